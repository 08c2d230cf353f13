"""What the visitor holds in their hands, read from the user agent."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from opportune.core.signals.base import Confidence, Reading, Signal, SignalType, Source, from_request
from opportune.core.visitor.user_agent import agent_of, device_type_of

if TYPE_CHECKING:
    from opportune.core.situation import Situation


class DeviceSignal(Signal):
    """One fact of the user agent; a `deviceType` the caller states outranks it."""

    type: ClassVar[SignalType] = "text"
    source: ClassVar[Source] = "session"
    confidence: ClassVar[Confidence] = "high"


class DeviceType(DeviceSignal):
    name = "device type"
    aliases = ("device",)
    values = ("mobile", "tablet", "desktop", "bot")
    meant = dict.fromkeys(("phone", "smartphone", "mobile phone", "iphone"), "mobile") | dict.fromkeys(
        ("computer", "laptop", "pc"), "desktop"
    )
    field = "device_type"
    meaning = "What they use: mobile, tablet or desktop (bot for machines that say so)."

    def read(self, situation: Situation) -> Reading:
        return from_request(situation, device_type_of(situation.context.user_agent))


class Browser(DeviceSignal):
    name = "browser"
    meaning = "The browser's family, such as Chrome, Firefox or Mobile Safari."

    def read(self, situation: Situation) -> Reading:
        return from_request(situation, agent_of(situation.context.user_agent).browser)


class OperatingSystem(DeviceSignal):
    name = "operating system"
    meaning = "The device's operating system, such as iOS, Android or Windows."

    def read(self, situation: Situation) -> Reading:
        return from_request(situation, agent_of(situation.context.user_agent).operating_system)


DEVICE = (DeviceType(), Browser(), OperatingSystem())
