"""The provider of OpenFeature; needs ``pip install steelyard[openfeature]``.

Keys are those of `steelyard.assign.Client`: ``flag`` (an object), ``flag.property``, or an experiment's name for
the name of its variant. The targeting key is the id of the ruleset's targeting unit. Evaluation is local, so the
asynchronous methods, which the SDK derives from these, never wait.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from openfeature.evaluation_context import EvaluationContext
from openfeature.event import ProviderEventDetails
from openfeature.exception import ErrorCode, ProviderNotReadyError
from openfeature.flag_evaluation import FlagEvaluationDetails, FlagResolutionDetails, FlagValueType, Reason
from openfeature.hook import Hook, HookContext, HookHints
from openfeature.provider import AbstractProvider
from openfeature.provider.metadata import Metadata

from steelyard.assign.client import Client
from steelyard.assign.evaluation import Outcome
from steelyard.assign.holder import Change
from steelyard.assign.resolution import Expected, Resolution

NAME = "steelyard"
Values = Sequence[FlagValueType] | Mapping[str, FlagValueType]


class _Decided(dict[str, Any]):
    """A flag's metadata, which remembers what it describes until the hook logs its use."""

    def __init__(self, resolution: Resolution, fields: dict[str, Any]) -> None:
        super().__init__(fields)
        self.resolution = resolution


class ExposureHook(Hook):
    """Logs an exposure after a flag was evaluated without an error.

    Args:
        client: Logs it.
    """

    def __init__(self, client: Client) -> None:
        self._client = client

    def after(
        self, hook_context: HookContext, details: FlagEvaluationDetails[FlagValueType], hints: HookHints
    ) -> None:
        """See `Hook`."""
        if isinstance(details.flag_metadata, _Decided):
            context = hook_context.evaluation_context
            self._client.log_use(details.flag_metadata.resolution, context.targeting_key, context.attributes)


class SteelyardProvider(AbstractProvider):
    """Resolves flags by a client's ruleset.

    Args:
        client: Is closed when the provider is shut down.

    Examples:
        >>> from openfeature import api
        >>> api.set_provider(SteelyardProvider(Client("none.json", app="doctest", poll_seconds=0)))
        >>> api.get_client().get_boolean_value("checkout.show_bar", False)
        False
        >>> api.shutdown()
    """

    def __init__(self, client: Client) -> None:
        super().__init__()
        self._client = client
        self._hook = ExposureHook(client)
        client.on_change(self._tell)

    def get_metadata(self) -> Metadata:
        """The provider's name."""
        return Metadata(name=NAME)

    def get_provider_hooks(self) -> list[Hook]:
        """The hook that logs exposures."""
        return [self._hook]

    def initialize(self, evaluation_context: EvaluationContext) -> None:
        """Be ready, or say why not; a ruleset that comes later makes the provider ready.

        Raises:
            ProviderNotReadyError: There is no ruleset.
        """
        state = self._client.state
        if state.status == "empty":
            raise ProviderNotReadyError(state.error or "no ruleset has been read yet")

    def shutdown(self) -> None:
        """Close the client."""
        self._client.close()

    def resolve_boolean_details(
        self, flag_key: str, default_value: bool, evaluation_context: EvaluationContext | None = None
    ) -> FlagResolutionDetails[bool]:
        """A property of the type boolean."""
        return self._resolve(flag_key, default_value, "boolean", evaluation_context)

    def resolve_string_details(
        self, flag_key: str, default_value: str, evaluation_context: EvaluationContext | None = None
    ) -> FlagResolutionDetails[str]:
        """A property of the type string, or an experiment's variant."""
        return self._resolve(flag_key, default_value, "string", evaluation_context)

    def resolve_integer_details(
        self, flag_key: str, default_value: int, evaluation_context: EvaluationContext | None = None
    ) -> FlagResolutionDetails[int]:
        """A property of the type integer."""
        return self._resolve(flag_key, default_value, "integer", evaluation_context)

    def resolve_float_details(
        self, flag_key: str, default_value: float, evaluation_context: EvaluationContext | None = None
    ) -> FlagResolutionDetails[float]:
        """A property of the type number or integer."""
        return self._resolve(flag_key, default_value, "number", evaluation_context)

    def resolve_object_details(
        self, flag_key: str, default_value: Values, evaluation_context: EvaluationContext | None = None
    ) -> FlagResolutionDetails[Values]:
        """A whole flag, or a property of the type object or array."""
        return self._resolve(flag_key, default_value, "object", evaluation_context)

    def _resolve(
        self, key: str, default: Any, expected: Expected, context: EvaluationContext | None
    ) -> FlagResolutionDetails[Any]:
        unit = None if context is None else context.targeting_key
        attributes = {} if context is None else context.attributes
        found = self._client.resolve(key, default, unit=unit, attributes=attributes, expected=expected)
        if found.error is not None:
            return FlagResolutionDetails(
                value=default,
                reason=Reason.ERROR,
                error_code=ErrorCode[found.error],
                error_message=found.message,
                flag_metadata=self._described(found, unit, attributes),
            )
        is_stale = self._client.state.status == "stale"
        return FlagResolutionDetails(
            value=found.value,
            reason=Reason.STALE if is_stale else Reason[found.reason],
            variant=found.variant,
            flag_metadata=_Decided(found, self._described(found, unit, attributes)),
        )

    def _described(
        self, found: Resolution, unit: str | None, attributes: Mapping[str, Any]
    ) -> dict[str, bool | int | float | str]:
        """What is known of a value, flat; of several experiments, their names joined by commas."""
        if found.evaluator is None:
            return {}
        described: dict[str, bool | int | float | str] = {
            "ruleset_version": found.evaluator.ruleset.version,
            "decided_by": found.reason,
        }
        owners = [outcome.holdback or outcome.entry for outcome in found.outcomes]
        if owners:
            kind = "experiment_id" if found.reason in ("SPLIT", "DEFAULT") else "rollout"
            described[kind] = ",".join(owner.name for owner in owners)
        if len(owners) == 1:
            described |= self._drawn(found.outcomes[0], found, unit, attributes)
        return described

    def _drawn(
        self, outcome: Outcome, found: Resolution, unit: str | None, attributes: Mapping[str, Any]
    ) -> dict[str, bool | int | float | str]:
        owner = outcome.holdback or outcome.entry
        described: dict[str, bool | int | float | str] = {
            "scheme": owner.scheme.name,
            "assignment_salt": owner.salt,
            "reason": outcome.why.value,
        }
        evaluator = found.evaluator
        identifier = None if evaluator is None else evaluator.unit_of(outcome.entry, unit, attributes)
        if evaluator is not None and identifier is not None:
            bucket = evaluator.bucket(owner, identifier)
            described |= {} if bucket is None else {"bucket": bucket}
        return described

    def _tell(self, change: Change, why: str) -> None:
        details = ProviderEventDetails(
            message=why or None, metadata={"ruleset_version": self._client.state.version}
        )
        match change:
            case "ready":
                self.emit_provider_ready(details)
            case "changed":
                self.emit_provider_configuration_changed(details)
            case "stale":
                self.emit_provider_stale(details)
            case "error":
                details.error_code = ErrorCode.PROVIDER_NOT_READY
                self.emit_provider_error(details)
