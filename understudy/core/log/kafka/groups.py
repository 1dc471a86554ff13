"""A consumer group as its coordinator sees it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from kafka import errors
from kafka.protocol.admin import DescribeGroupsRequest
from kafka.protocol.consumer import LeaveGroupRequest
from kafka.protocol.consumer.metadata import ConsumerProtocolAssignment

from understudy.core.log.contract import GroupMember, TopicPartition
from understudy.core.log.kafka.client import ensure

if TYPE_CHECKING:
    from collections.abc import Sequence

    from understudy.core.log.kafka.client import Client

NO_GROUP: Final = errors.GroupIdNotFoundError.errno


@dataclass(frozen=True, slots=True)
class GroupView:
    """is_stable: no rebalance is under way, so the members' partitions are those that they have."""

    is_stable: bool
    members: Sequence[GroupMember]

    def assigned(self) -> frozenset[TopicPartition]:
        """All partitions that some member has."""
        return frozenset(at for member in self.members for at in member.partitions)


def describe_group(client: Client, group: str) -> GroupView:
    """The group's members; none for a group that does not exist. Raises KafkaError."""
    request = DescribeGroupsRequest(groups=[group], include_authorized_operations=False, max_version=6)
    found = client.call(request, client.coordinator("group", group)).groups[0]
    if found.error_code == NO_GROUP:
        return GroupView(is_stable=True, members=())
    ensure(found.error_code, group)
    members = [
        GroupMember(member.group_instance_id or "", assignment_of(member.member_assignment)) for member in found.members
    ]
    return GroupView(found.group_state == "Stable", members)


def assignment_of(encoded: bytes) -> frozenset[TopicPartition]:
    """The partitions of a member's assignment; empty while it has none."""
    if not encoded:
        return frozenset()
    return frozenset(TopicPartition(*at) for at in ConsumerProtocolAssignment.decode(encoded).partitions())


def remove_member(client: Client, group: str, slot: str, member_id: str = "") -> None:
    """Take a static member out of its group, so that its partitions move at once. Raises KafkaError.

    member_id: remove it only if it is this one; '' removes whoever has the slot.
    """
    identity = LeaveGroupRequest.MemberIdentity(member_id=member_id, group_instance_id=slot, reason="removed")
    request = LeaveGroupRequest(group_id=group, members=[identity], min_version=3, max_version=5)
    answer = client.call(request, client.coordinator("group", group))
    ensure(answer.error_code, group)
    for member in answer.members:
        ensure(member.error_code, f"{slot} in {group}")
