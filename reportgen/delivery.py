"""Tells people of runs: from run folders to mail and webhook, once for each run."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

from reportgen.config.deliver import DeliverBlock, MailBlock, WebhookBlock
from reportgen.deliver.composing import Composer
from reportgen.deliver.contents import Absent, Paper, tell
from reportgen.deliver.errors import DeliveryError
from reportgen.deliver.memory import not_yet_told, times_told
from reportgen.deliver.news import is_worth_telling
from reportgen.deliver.ordering import Stamp, Wish, order_mail, order_notice
from reportgen.deliver.outbox import Channel, Outbox, Waiting
from reportgen.deliver.posting import Letterbox, Log
from reportgen.deliver.runs import HOW, Run, delivery_of, read_runs, wanted_delivery
from reportgen.deliver.transport import MessageFor
from reportgen.deliver.webhook import message, notice
from reportgen.deliver.wording import WORDS, subject_of
from reportgen.errors import ConfigError
from reportgen.publish import RUN_ID, started_now
from reportgen.render.pdf import render_pdf
from reportgen.summary import Summary, read_summary, worst

_DEEPEST = 3  # folders below the one to flush: those of a matrix


@dataclass(frozen=True)
class _Post:
    """Runs on their way: what they are, how they are to be sent, and where from."""

    runs: tuple[Run, ...]
    block: DeliverBlock
    wish: Wish
    letterbox: Letterbox

    @property
    def log(self) -> Log:
        return self.letterbox.log


def deliver_runs(
    folders: Sequence[Path], wish: Wish, environment: Mapping[str, str] = os.environ
) -> Log:
    """Mail some runs and post them to webhooks; then send what waits from earlier ones.

    folders: run folders; several make one mail, by the settings of the first. What goes wrong on
    the way is in the log. Raises ConfigError for what is no run or says nothing of delivery.
    """
    runs = read_runs(folders)
    block = _wanted(runs[0], wish)
    letterbox = _letterbox(runs[0].folder.parent, environment)
    post = _Post(runs, block, wish, letterbox)
    try:
        with letterbox.outbox.locked():
            _deliver(post)
    except OSError as error:  # nothing can be remembered: to be told twice is better than never
        said = f"{error.filename or letterbox.outbox.folder}: cannot be written: {error.strerror}"
        post.log.troubles.append(DeliveryError(said, "the same run may be sent twice"))
        _deliver(post)
    if not wish.to:
        for output in dict.fromkeys((*(run.folder.parent for run in runs), *wish.outputs)):
            if output.resolve() != letterbox.outbox.output and not letterbox.closed:
                post.log.add(_flush(output.resolve(), block, environment))
    return post.log


def send_notice(
    block: DeliverBlock,
    output: Path,
    name: str,
    title: str,
    *,
    absent: Sequence[Absent],
    environment: Mapping[str, str] = os.environ,
) -> Log:
    """Tell that there is no report: by mail those who are told of errors, and the webhook.

    output: the output folder, where what cannot be sent is kept. name: of the report.
    """
    letterbox = _letterbox(output.resolve(), environment)
    try:
        output.mkdir(parents=True, exist_ok=True)
        with letterbox.outbox.locked():
            _notify(letterbox, block, name, title, absent)
            letterbox.flush(block)
    except OSError:  # what kept the report from being made may keep this from being remembered
        _notify(letterbox, block, name, title, absent)
    return letterbox.log


def flush_outbox(folder: Path, environment: Mapping[str, str] = os.environ) -> Log:
    """Send what waits in an output folder, by the settings of its newest run if that can be read.

    folder: the output folder, a run folder in it, or a folder above some: that of a matrix.
    """
    output = folder.resolve()
    output = output.parent if RUN_ID.fullmatch(output.name) else output
    if not output.is_dir():
        raise ConfigError(f"{folder}: there is no such folder", "give an output folder")
    log = Log()
    places = [Outbox(output).folder]
    for depth in range(1, _DEEPEST + 1):
        places += sorted(output.glob("*/" * depth + places[0].name))
    for place in places:
        if place.is_dir():
            log.add(_flush(place.parent, None, environment))
    return log if log.told or log.troubles else Log(told=["Nothing waits."])


def write_messages(folders: Sequence[Path], wish: Wish, target: Path | None = None) -> Log:
    """Write what would be sent into files, and send nothing; the log tells which files.

    target: folder for them; beside the run when not given. Raises DeliveryError when they cannot
    be written, and ConfigError as `deliver_runs` does.
    """
    runs = read_runs(folders)
    block, log = _wanted(runs[0], Wish()), Log()
    into = target or runs[0].folder.parent
    contents: dict[str, bytes] = {}
    if block.mail is not None:
        stamp = Stamp(started_now()[0])
        order = order_mail(runs, block.links, block.mail, wish, stamp)
        composer = Composer(order, _shrink)
        contents[f"{_file(runs[0])}.eml"] = composer.message(None)
        log.troubles += composer.problems.values()
    if block.webhook is not None:
        contents |= {
            f"{_file(run)}.webhook.json": _verdict(run, block, block.webhook, log) for run in runs
        }
    try:
        into.mkdir(parents=True, exist_ok=True)
        for name, content in contents.items():
            (into / name).write_bytes(content)
            log.told.append(str(into / name))
    except OSError as error:
        said = f"{error.filename or into}: cannot be written: {error.strerror}"
        raise DeliveryError(said) from None
    return log


def _wanted(run: Run, wish: Wish) -> DeliverBlock:
    block = wanted_delivery(run)
    if block.mail is None and wish.to:
        raise ConfigError(f"{run.folder}: --to: there is no deliver.mail", HOW)
    return block


def _letterbox(output: Path, environment: Mapping[str, str]) -> Letterbox:
    # Not SOURCE_DATE_EPOCH: what is sent, and how long it has waited, is a matter of today.
    now = datetime.now(UTC).replace(microsecond=0)
    return Letterbox(Outbox(output), environment, now, _compose_again)


def _deliver(post: _Post) -> None:
    if post.block.mail is not None:
        _mail(post, post.block.mail)
    if post.block.webhook is not None and not post.wish.to:
        for run in post.runs:
            _post_verdict(post, post.block.webhook, run)
    if not post.wish.to:
        post.letterbox.flush(post.block)


def _to_tell(post: _Post, runs: tuple[Run, ...], channel: Channel) -> tuple[Run, ...]:
    if post.wish.again or post.wish.to:
        return runs
    return not_yet_told(runs, channel, post.log)


def _mail(post: _Post, mail: MailBlock) -> None:
    runs, wish = _to_tell(post, post.runs, "mail"), post.wish
    if not runs:
        return
    asked_for = bool(wish.again or wish.to or wish.absent)
    if not asked_for and not any(is_worth_telling(run.summary, mail.when) for run in runs):
        post.log.told.append(f"Not mailed: nothing to tell (deliver.mail.when is {mail.when}).")
        return
    now = post.letterbox.now
    stamp = Stamp(now, 1 + max(times_told(run, "mail") for run in runs))
    if wish.to:
        stamp = replace(stamp, trial=f"{now} {wish.to}")
    order = order_mail(runs, post.block.links, mail, wish, stamp)
    if not order.envelope.recipients:
        said = WORDS[worst(run.summary.run.status for run in runs)]
        post.log.told.append(f"Not mailed: deliver.mail.to names nobody for {said}.")
        return
    composer = Composer(order, _shrink)
    composer.message(None)  # before a server waits for it
    if wish.to:
        post.letterbox.try_mail(mail, composer.message, order.envelope)
    else:
        post.letterbox.mail(
            mail,
            composer.message,
            order.envelope,
            name=_waiting_name(runs),
            runs={str(run.folder): run.summary.run.id for run in runs},
            facts={"number": stamp.number, "subject": order.subject, "name": wish.name},
        )
    post.log.troubles += composer.problems.values()


def _waiting_name(runs: Sequence[Run]) -> str:
    """Give a name for a message that waits: no other's, be it of one run or of several."""
    first = runs[0].summary.run.id
    if len(runs) == 1:
        return first
    others = "\n".join(str(run.folder) for run in runs)
    return f"{first}-digest-{sha256(others.encode()).hexdigest()[:8]}"


def _compose_again(waiting: Waiting) -> MessageFor:
    """Compose a mail that waits again, of the same Message-ID, for a server that takes less."""
    folders = [Path(folder) for folder in waiting.runs if Path(folder).is_dir()]
    if not folders:
        raise ConfigError("its run is not there any more")
    runs = read_runs(folders)
    block = delivery_of(runs[0])
    if block.mail is None:
        raise ConfigError(f"{runs[0].folder}: there is no deliver.mail", HOW)
    number, name = waiting.facts.get("number", 1), waiting.facts.get("name", "")
    stamp = Stamp(waiting.since, number if isinstance(number, int) else 1)
    order = order_mail(runs, block.links, block.mail, Wish(name=str(name)), stamp)
    return Composer(order, _shrink).message


def _post_verdict(post: _Post, webhook: WebhookBlock, run: Run) -> None:
    if not _to_tell(post, (run,), "webhook"):
        return
    if not post.wish.again and not is_worth_telling(run.summary, webhook.when):
        post.log.told.append(
            f"Not posted: nothing to tell (deliver.webhook.when is {webhook.when})."
        )
        return
    post.letterbox.post(
        webhook,
        _verdict(run, post.block, webhook, post.log),
        name=run.summary.run.id,
        runs={str(run.folder): run.summary.run.id},
        facts={"number": 1 + times_told(run, "webhook"), "kind": webhook.kind},
    )


def _verdict(run: Run, block: DeliverBlock, webhook: WebhookBlock, log: Log) -> bytes:
    told = tell(run.folder, run.summary, block.links, Paper(), 0)
    known = {trouble.message for trouble in log.troubles}  # the mail has the same links
    log.troubles += [problem for problem in told.links.problems if problem.message not in known]
    return message(webhook, subject_of(run.summary, None), told)


def _notify(
    letterbox: Letterbox, block: DeliverBlock, name: str, title: str, absent: Sequence[Absent]
) -> None:
    stem = f"no-report-{letterbox.now:%Y%m%dT%H%M%SZ}"
    if block.mail is not None:
        order = order_notice(block.mail, name, title, absent, letterbox.now)
        if order.envelope.recipients:
            composer = Composer(order, _shrink)
            letterbox.mail(
                block.mail, composer.message, order.envelope, name=stem, runs={}, facts={}
            )
    if block.webhook is not None:
        subject = f"[{name}] {WORDS['error']} no report · {letterbox.now:%Y-%m-%d}"
        content = notice(block.webhook, subject, name, absent)
        letterbox.post(block.webhook, content, name=stem, runs={}, facts={})


def _flush(output: Path, block: DeliverBlock | None, environment: Mapping[str, str]) -> Log:
    """Send what waits in an output folder; block: the settings, those of its newest run if None."""
    letterbox = _letterbox(output, environment)
    if not letterbox.outbox.folder.is_dir():
        return letterbox.log
    try:
        with letterbox.outbox.locked():
            letterbox.flush(block or _newest_block(output))
    except OSError as error:
        said = f"{error.filename or letterbox.outbox.folder}: cannot be written: {error.strerror}"
        letterbox.log.troubles.append(DeliveryError(said))
    return letterbox.log


def _newest_block(output: Path) -> DeliverBlock:
    names = sorted(path.name for path in output.iterdir() if RUN_ID.fullmatch(path.name))
    for name in reversed(names):
        try:
            return delivery_of(Run(output / name, read_summary(output / name)))
        except ConfigError:
            continue
    return DeliverBlock()


def _file(run: Run) -> str:
    return f"{run.summary.report.id}-{run.summary.run.id}"


def _shrink(folder: Path, summary: Summary) -> bytes:
    try:
        return render_pdf(folder, summary, small=True)
    except (OSError, LookupError, ValueError) as error:  # a run folder that lacks something
        raise DeliveryError(f"{folder}: it cannot be printed again: {error}") from None
