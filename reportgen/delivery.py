"""Tells people of runs: from run folders to mail and webhook, once for each run."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from pydantic import ValidationError

from reportgen.config.deliver import DeliverBlock, MailBlock, WebhookBlock
from reportgen.deliver.composing import Composer
from reportgen.deliver.contents import Absent, Paper, tell
from reportgen.deliver.errors import DeliveryError
from reportgen.deliver.news import is_worth_telling
from reportgen.deliver.ordering import Run, Stamp, Wish, order_mail, order_notice
from reportgen.deliver.outbox import Channel, Outbox
from reportgen.deliver.posting import Letterbox, Log
from reportgen.deliver.webhook import message
from reportgen.deliver.wording import WORDS, subject_of
from reportgen.errors import ConfigError
from reportgen.publish import RUN_ID, started_now
from reportgen.render.pdf import render_pdf
from reportgen.summary import Summary, read_summary, worst

_LACKING = "deliver: has neither mail: nor webhook:"
_HOW = "add a block deliver: to the configuration and build the report, see docs/mail.md"


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
    runs = tuple(_read_run(folder) for folder in folders)
    block = _wanted(runs[0])
    outbox = Outbox(runs[0].folder.parent)
    letterbox = Letterbox(outbox, environment, started_now()[0], Log())
    post = _Post(runs, block, wish, letterbox)
    try:
        with outbox.locked():
            _deliver(post)
    except OSError as error:  # nothing can be remembered: to be told twice is better than never
        said = f"{error.filename or outbox.folder}: cannot be written: {error.strerror}"
        post.log.troubles.append(DeliveryError(said, "the same run may be sent twice"))
        _deliver(post)
    return post.log


def _deliver(post: _Post) -> None:
    if post.block.mail is not None:
        _mail(post, post.block.mail)
    if post.block.webhook is not None and not post.wish.to:
        for run in post.runs:
            _post_verdict(post, post.block.webhook, run)
    if not post.log.troubles:
        post.letterbox.flush(post.block)


def send_notice(
    block: DeliverBlock,
    output: Path,
    name: str,
    title: str,
    *,
    absent: Sequence[Absent],
    environment: Mapping[str, str] = os.environ,
) -> Log:
    """Mail that there is no report, to those who are told of errors.

    output: the output folder, where a mail that cannot be sent is kept. name: of the report.
    """
    letterbox = Letterbox(Outbox(output), environment, started_now()[0], Log())
    if block.mail is not None:
        order = order_notice(block.mail, name, title, absent, letterbox.now)
        composer = Composer(order, _shrink)
        if order.envelope.recipients:
            letterbox.mail(
                block.mail,
                composer.message,
                order.envelope,
                name=f"no-report-{order.headers.ids[0]}",
                runs=[],
                facts={},
            )
    return letterbox.log


def flush_outbox(folder: Path, environment: Mapping[str, str] = os.environ) -> Log:
    """Send what waits in an output folder, by the settings of its newest run if that can be read.

    folder: the output folder, or a run folder in it.
    """
    output = folder.resolve()
    output = output.parent if RUN_ID.fullmatch(output.name) else output
    outbox = Outbox(output)
    if not outbox.folder.is_dir():
        if not output.is_dir():
            raise ConfigError(f"{folder}: there is no such folder", "give an output folder")
        return Log(told=["Nothing waits."])
    letterbox = Letterbox(outbox, environment, started_now()[0], Log())
    try:
        with outbox.locked():
            if not outbox.waiting():
                return Log(told=["Nothing waits."])
            letterbox.flush(_newest_block(output))
    except OSError as error:
        said = f"{error.filename or outbox.folder}: cannot be written: {error.strerror}"
        letterbox.log.troubles.append(DeliveryError(said))
    return letterbox.log


def write_messages(folders: Sequence[Path], wish: Wish, target: Path | None = None) -> Log:
    """Write what would be sent into files, and send nothing; the log tells which files.

    target: folder for them; beside the run when not given. Raises DeliveryError when they cannot
    be written, and ConfigError as `deliver_runs` does.
    """
    runs = tuple(_read_run(folder) for folder in folders)
    block, log = _wanted(runs[0]), Log()
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
            f"{_file(run)}.webhook.json": _verdict(run, block, block.webhook) for run in runs
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


def _file(run: Run) -> str:
    return f"{run.summary.report.id}-{run.summary.run.id}"


def _wanted(run: Run) -> DeliverBlock:
    block = delivery_of(run)
    if block.mail is None and block.webhook is None:
        raise ConfigError(f"{run.folder}: {_LACKING}", _HOW)
    return block


def delivery_of(run: Run) -> DeliverBlock:
    """Give what the configuration of a run says of its delivery."""
    try:
        return DeliverBlock.model_validate(run.summary.configuration.deliver)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise ConfigError(
            f"{run.folder}: summary.json: configuration.deliver.{where}: {first['msg']}",
            "build the report again with this version of reportgen",
        ) from None


def _read_run(folder: Path) -> Run:
    return Run(folder.resolve(), read_summary(folder))


def _newest_block(output: Path) -> DeliverBlock:
    names = sorted(path.name for path in output.iterdir() if RUN_ID.fullmatch(path.name))
    for name in reversed(names):
        try:
            return delivery_of(_read_run(output / name))
        except ConfigError:
            continue
    return DeliverBlock()


def _mail(post: _Post, mail: MailBlock) -> None:
    runs, wish = _not_yet_told(post, "mail"), post.wish
    if not runs:
        return
    asked_for = bool(wish.again or wish.to or wish.absent)
    if not asked_for and not any(is_worth_telling(run.summary, mail.when) for run in runs):
        post.log.told.append(f"Not mailed: nothing to tell (deliver.mail.when is {mail.when}).")
        return
    stamp = Stamp(post.letterbox.now, 1 + max(_times(run, "mail") for run in runs))
    order = order_mail(runs, post.block.links, mail, wish, stamp)
    if not order.envelope.recipients:
        post.log.told.append(f"Not mailed: deliver.mail.to names nobody for {_word(runs)}.")
        return
    composer = Composer(order, _shrink)
    composer.message(None)  # before a server waits for it
    if wish.to:
        post.letterbox.try_mail(mail, composer.message, order.envelope)
    else:
        folders = [run.folder for run in runs]
        post.letterbox.mail(
            mail,
            composer.message,
            order.envelope,
            name=folders[0].name,
            runs=folders,
            facts={"number": stamp.number, "subject": order.subject},
        )
    post.log.troubles += composer.problems.values()


def _post_verdict(post: _Post, webhook: WebhookBlock, run: Run) -> None:
    if not _not_yet_told(replace(post, runs=(run,)), "webhook"):
        return
    if not post.wish.again and not is_worth_telling(run.summary, webhook.when):
        post.log.told.append(
            f"Not posted: nothing to tell (deliver.webhook.when is {webhook.when})."
        )
        return
    content = _verdict(run, post.block, webhook)
    facts = {"number": 1 + _times(run, "webhook"), "kind": webhook.kind}
    post.letterbox.post(webhook, content, run.folder, facts)


def _verdict(run: Run, block: DeliverBlock, webhook: WebhookBlock) -> bytes:
    told = tell(run.folder, run.summary, block.links, Paper(), 0)
    return message(webhook, subject_of(run.summary, None), told)


def _not_yet_told(post: _Post, channel: Channel) -> tuple[Run, ...]:
    """Give the runs that were not delivered yet, or all when they are wanted again."""
    if post.wish.again or post.wish.to:
        return post.runs
    fresh = []
    for run in post.runs:
        known = Outbox(run.folder.parent).delivered(run.folder.name).get(channel)
        if known is None:
            fresh.append(run)
        else:
            done = "mailed" if channel == "mail" else "posted to the webhook"
            post.log.told.append(
                f"{run.folder.name} was {done} before, at {known.get('at', 'an unknown time')}; "
                "--again sends it again."
            )
    return tuple(fresh)


def _times(run: Run, channel: Channel) -> int:
    known = Outbox(run.folder.parent).delivered(run.folder.name).get(channel, {})
    number = known.get("number", 1) if isinstance(known, dict) and known else 0
    return number if isinstance(number, int) else 1


def _word(runs: Sequence[Run]) -> str:
    return WORDS[worst(run.summary.run.status for run in runs)]


def _shrink(folder: Path, summary: Summary) -> bytes:
    try:
        return render_pdf(folder, summary, small=True)
    except (OSError, LookupError) as error:  # a run folder that lacks something
        raise DeliveryError(f"{folder}: the PDF cannot be printed again: {error}") from None
