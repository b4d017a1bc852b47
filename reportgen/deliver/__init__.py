"""Tells people of runs by mail and webhook, once of each; what is said is in the run folders."""

import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

from reportgen.config.deliver import DeliverBlock, LinksBlock, MailBlock, WebhookBlock
from reportgen.deliver.mail_view import Absent, run_view
from reportgen.deliver.message import Mail
from reportgen.deliver.outbox import FOLDER, MOST_AGE, Channel, Message, Outbox
from reportgen.deliver.recipients import HOW, Run, delivery_settings, is_worth_telling, read_runs
from reportgen.deliver.sender import Log, Sender
from reportgen.deliver.subject import WORDS, subject_of
from reportgen.deliver.transport import DeliveryError, RefusedError
from reportgen.deliver.webhook import notice_message, verdict_message
from reportgen.errors import ConfigError
from reportgen.record import read_summary, worst
from reportgen.run_folder import RUN_ID, replace_file, started_now

__all__ = ["Absent", "Log", "Options", "deliver_notice", "deliver_runs", "flush_outbox"]
__all__ += ["promise_delivery", "require_own_outbox", "write_messages"]

_DEEPEST = 3  # folders below the one to flush: those of a matrix


@dataclass(frozen=True)
class Options:
    """How to deliver.

    again: also what was delivered before. to: recipients in place of those of the configuration;
    such a mail is not remembered. name, title: of the reports together, where there are several.
    absent: those that could not be made. outputs: folders where messages may wait, besides those of
    the runs.
    """

    again: bool = False
    to: tuple[str, ...] = ()
    name: str = ""
    title: str = ""
    absent: tuple[Absent, ...] = ()
    outputs: tuple[Path, ...] = ()


_PLAIN = Options()


def deliver_runs(
    folders: Sequence[Path],
    options: Options = _PLAIN,
    environment: Mapping[str, str] = os.environ,
) -> Log:
    """Mail some runs and post them to webhooks; then send what waits from earlier ones.

    folders: run folders; several make one mail, by the settings of the first. What goes wrong on
    the way is in the log. Raises ConfigError for what is no run or says nothing of delivery.
    """
    runs = read_runs(folders)
    settings = _settings_of(runs[0], options)
    sender = _sender(runs[0].folder.parent, settings, environment)
    _deliver(sender, runs, options)
    if not options.to:
        for output in dict.fromkeys((*(run.folder.parent for run in runs), *options.outputs)):
            if output.resolve() != sender.outbox.output and not sender.down:
                sender.log.add(_flush(output.resolve(), settings, environment))
    return sender.log


def deliver_notice(
    settings: DeliverBlock,
    output: Path,
    options: Options,
    environment: Mapping[str, str] = os.environ,
) -> Log:
    """Tell that there is no report: by mail those who are told of errors, and the webhook.

    output: the output folder, where what cannot be sent is kept. options: name, title and absent.
    """
    sender = _sender(output.resolve(), settings, environment)
    with suppress(OSError):  # what kept the report from being made may keep this from being kept
        output.mkdir(parents=True, exist_ok=True)
    _deliver(sender, (), options)
    return sender.log


def flush_outbox(folder: Path, environment: Mapping[str, str] = os.environ) -> Log:
    """Send what waits in an output folder, by the settings of its newest run if that can be read.

    folder: the output folder, a run folder in it, or a folder above some: that of a matrix.
    """
    output = folder.resolve()
    output = output.parent if RUN_ID.fullmatch(output.name) else output
    if not output.is_dir():
        raise ConfigError(f"{folder}: there is no such folder", "give an output folder")
    log = Log()
    for depth in range(_DEEPEST + 1):
        for place in sorted(output.glob("*/" * depth + FOLDER)):
            log.add(_flush(place.parent, _newest_settings(place.parent), environment))
    return log if log.done or log.problems else Log(done=["Nothing waits."])


def write_messages(
    folders: Sequence[Path], options: Options = _PLAIN, target: Path | None = None
) -> Log:
    """Write what would be sent into files, and send nothing; the log tells which files.

    target: folder for them; beside the run when not given. Raises DeliveryError when they cannot
    be written, and ConfigError as `deliver_runs` does.
    """
    runs = read_runs(folders)
    settings, log = _settings_of(runs[0]), Log()
    into = target or runs[0].folder.parent
    names = [f"{run.summary.report.id}-{run.summary.run.id}" for run in runs]
    contents: dict[str, bytes] = {}
    if settings.mail is not None:
        now, name, absent = started_now()[0], options.name, options.absent
        mail = Mail(settings.mail, runs, now, settings.links, absent, name, to=options.to)
        contents[f"{names[0]}.eml"] = mail.message()
        log.problems += mail.problems.values()
    if settings.webhook is not None:
        for run, name in zip(runs, names, strict=True):
            contents[f"{name}.webhook.json"] = _verdict(run, settings.links, settings.webhook, log)
    try:
        into.mkdir(parents=True, exist_ok=True)
        for name, content in contents.items():
            replace_file(into / name, content)
            log.done.append(str(into / name))
    except OSError as error:
        said = f"{error.filename or into}: cannot be written: {error.strerror}"
        raise DeliveryError(said) from None
    return log


def promise_delivery(output: Path, run_id: str) -> None:
    """Keep that a run will be delivered: a later one does it if this build is killed before."""
    with suppress(OSError):  # which is said when it is delivered
        Outbox(output).promise(run_id)


def require_own_outbox(output: Path) -> None:
    """Raise DeliveryError where the folder of what waits is there, and is not ours alone."""
    outbox = Outbox(output)
    try:
        outbox.require_own()
    except FileNotFoundError:
        pass
    except OSError as error:
        said = f"{outbox.folder}: cannot be written: {error.strerror}"
        raise DeliveryError(said, "move it away; what waits in it is not sent") from None


def _sender(output: Path, settings: DeliverBlock, environment: Mapping[str, str]) -> Sender:
    # Not SOURCE_DATE_EPOCH: what is sent, and how long it has waited, is a matter of today.
    now = datetime.now(UTC).replace(microsecond=0)
    return Sender(Outbox(output), settings, environment, now, _recompose)


def _settings_of(run: Run, options: Options = _PLAIN) -> DeliverBlock:
    """Return how a run is delivered. Raises ConfigError when it says nothing of that."""
    settings = delivery_settings(run)
    if settings.mail is None and settings.webhook is None:
        raise ConfigError(f"{run.folder}: deliver: has neither mail: nor webhook:", HOW)
    if settings.mail is None and options.to:
        raise ConfigError(f"{run.folder}: --to: there is no deliver.mail", HOW)
    return settings


def _deliver(sender: Sender, runs: tuple[Run, ...], options: Options) -> None:
    """Tell of some runs, or without any that there is no report; then send what waits."""
    with sender.locked() as is_usable:
        _tell(sender, sender.settings, runs, options)
        if is_usable and not options.to:
            _send_what_waits(sender)


def _tell(
    sender: Sender, settings: DeliverBlock, runs: tuple[Run, ...], options: Options = _PLAIN
) -> None:
    if settings.mail is not None:
        _send_mail(sender, settings.mail, runs, options)
    if options.to:
        return
    if settings.webhook is not None:
        for run in runs or (None,):
            _post(sender, settings.webhook, run, options)
    for run in runs:
        with suppress(OSError):  # then it is found to be delivered, the next time
            Outbox(run.folder.parent).fulfil(run.summary.run.id)


def _send_what_waits(sender: Sender) -> None:
    """Send messages that wait, and tell of runs whose builds were killed before they did."""
    sender.flush()
    for run_id, since in sender.outbox.promised():
        if sender.down:
            return
        folder, is_old = sender.outbox.output / run_id, sender.now - since > MOST_AGE
        run = _own_run(folder)
        if run is not None and not is_old:
            said = f"The build of {run_id} was stopped before it could tell; that is done now."
            sender.log.done.append(said)
            _tell(sender, delivery_settings(run), (run,))
        elif is_old:  # else it may be published at any moment
            with suppress(OSError):
                sender.outbox.fulfil(run_id)
            if run is not None:
                said = f"nobody was told of {run_id}, whose build was stopped on {since:%F}"
                sender.log.problems.append(DeliveryError(said, f"reportgen mail {folder} tells"))


def _own_run(folder: Path) -> Run | None:
    """Return a run that this user has built, if it is there and says how it is delivered."""
    with suppress(OSError, ConfigError):
        if folder.lstat().st_uid == os.geteuid():
            (run,) = read_runs([folder])
            delivery_settings(run)
            return run
    return None


def _send_mail(sender: Sender, block: MailBlock, runs: tuple[Run, ...], options: Options) -> None:
    log = sender.log
    fresh = runs
    if not (options.again or options.to):
        fresh = tuple(run for run in runs if _is_new(run, "mail", log))
    if runs and not fresh:
        return
    asked_for = options.again or options.to or options.absent
    if not asked_for and not any(is_worth_telling(run.summary, block.when) for run in fresh):
        log.done.append(f"Not mailed: nothing to tell (deliver.mail.when is {block.when}).")
        return
    mail = Mail(
        block,
        fresh,
        sender.now,
        sender.settings.links,
        options.absent,
        options.name,
        options.title,
        options.to,
        number=_next_number(fresh, "mail"),
    )
    if not mail.recipients:
        said = WORDS[worst(run.summary.run.status for run in fresh)] if fresh else WORDS["error"]
        log.done.append(f"Not mailed: deliver.mail.to names nobody for {said}.")
        return
    message = Message(
        name=_message_name(fresh, sender.now),
        channel="mail",
        content=mail.message(),
        sender=mail.sender,
        recipients=mail.recipients,
        since=sender.now,
        runs={str(run.folder): run.summary.run.id for run in fresh},
        absent=options.absent,
        number=mail.number,
        title=options.name,
    )
    send = sender.send_trial if options.to else sender.send
    send(message, mail.message)
    log.problems += mail.problems.values()


def _message_name(runs: Sequence[Run], now: datetime) -> str:
    """Return the name of a message that waits: no other's, be it of one run or of several."""
    if not runs:
        return f"no-report-{now:%Y%m%dT%H%M%SZ}"
    if len(runs) == 1:
        return runs[0].summary.run.id
    folders = "\n".join(str(run.folder) for run in runs)
    return f"{runs[0].summary.run.id}-digest-{sha256(folders.encode()).hexdigest()[:8]}"


def _recompose(message: Message, limit: int | None) -> bytes:
    """Make a mail again that waited, of the same Message-ID, for a server that takes less."""
    try:
        runs = read_runs([Path(folder) for folder in message.runs if Path(folder).is_dir()])
        settings = delivery_settings(runs[0]) if runs else DeliverBlock()
    except ConfigError as error:
        raise RefusedError(f"it cannot be made smaller: {error.message}") from None
    if settings.mail is None:
        raise RefusedError("it is too large, and its run is not there any more")
    links, absent, name = settings.links, message.absent, message.title
    mail = Mail(settings.mail, runs, message.since, links, absent, name, number=message.number)
    return mail.message(limit)


def _post(sender: Sender, block: WebhookBlock, run: Run | None, options: Options) -> None:
    """Post the verdict of a run, or without one that there is no report."""
    log = sender.log
    if run is not None and not options.again:
        if not _is_new(run, "webhook", log):
            return
        if not is_worth_telling(run.summary, block.when):
            log.done.append(f"Not posted: nothing to tell (deliver.webhook.when is {block.when}).")
            return
    if run is None:
        subject = f"[{options.name}] {WORDS['error']} no report · {sender.now:%F}"
        content = notice_message(block, subject, options.name, options.absent)
    else:
        content = _verdict(run, sender.settings.links, block, log)
    message = Message(
        name=_message_name([run] if run else [], sender.now),
        channel="webhook",
        content=content,
        recipients=(f"the webhook ({block.kind})",),
        since=sender.now,
        runs={str(run.folder): run.summary.run.id} if run else {},
        number=_next_number([run] if run else [], "webhook"),
    )
    sender.send(message)


def _verdict(run: Run, links: LinksBlock | None, block: WebhookBlock, log: Log) -> bytes:
    view = run_view(run, links)
    known = {problem.message for problem in log.problems}  # the mail has the same links
    log.problems += [problem for problem in view.links.problems if problem.message not in known]
    return verdict_message(block, subject_of(run.summary), view)


def _delivered(run: Run, channel: Channel) -> dict[str, Any] | None:
    return Outbox(run.folder.parent).delivered(run.summary.run.id, channel)


def _is_new(run: Run, channel: Channel, log: Log) -> bool:
    """Say whether a run was not delivered on a way yet; the log tells of one that was."""
    known = _delivered(run, channel)
    if known is not None:
        was = {"mail": "mailed", "webhook": "posted to the webhook"}[channel]
        when = known.get("at", "an unknown time")
        log.done.append(f"{run.folder.name} was {was} before, at {when}; --again sends it again.")
    return known is None


def _next_number(runs: Sequence[Run], channel: Channel) -> int:
    """Return the number of the next message on some runs, 1 for the first."""
    known = [_delivered(run, channel) or {"number": 0} for run in runs]
    numbers = (each.get("number", 1) for each in known)
    return 1 + max((n if isinstance(n, int) else 1 for n in numbers), default=0)


def _flush(output: Path, settings: DeliverBlock, environment: Mapping[str, str]) -> Log:
    sender = _sender(output, settings, environment)
    if sender.outbox.folder.is_dir():
        with sender.locked() as is_usable:
            if is_usable:
                _send_what_waits(sender)
    return sender.log


def _newest_settings(output: Path) -> DeliverBlock:
    names = sorted(path.name for path in output.iterdir() if RUN_ID.fullmatch(path.name))
    for name in reversed(names):
        with suppress(ConfigError):
            return delivery_settings(Run(output / name, read_summary(output / name)))
    return DeliverBlock()
