"""The ways out: one class per kind of gateway, found by name."""

from __future__ import annotations

from notify.config import GatewayConfig
from notify.errors import ConfigError
from notify.gateways.base import Gateway

__all__ = ["open_gateway"]


def open_gateway(config: GatewayConfig) -> Gateway:
    """The gateway of a configuration; nothing is connected yet.

    Raises:
        ConfigError: unknown kind, or a kind that cannot serve its channel.
    """
    if config.kind == "console":
        from notify.gateways.console import ConsoleGateway

        return ConsoleGateway(config)
    if config.kind == "smtp":
        from notify.gateways.smtp import SmtpGateway

        if config.channel != "email":
            raise ConfigError(f"gateway {config.name}: kind smtp serves the channel email, not {config.channel}")
        return SmtpGateway(config)
    raise ConfigError(f"gateway {config.name}: kind = {config.kind!r}: write smtp or console")
