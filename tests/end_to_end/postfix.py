"""A Postfix of our own, from Debian's package: its queue, port and mailboxes in a folder."""

import pwd
import shutil
import socket
import subprocess
import time
from contextlib import contextmanager
from dataclasses import dataclass
from mailbox import Maildir
from pathlib import Path

MASTER = """\
127.0.0.1:{port} inet n - n - - smtpd
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
virtual unix - n n - - virtual
error unix - - n - - error
retry unix - - n - - error
postlog unix-dgram n - n - 1 postlogd
anvil unix - - n - 1 anvil
proxymap unix - - n - - proxymap
showq unix n - n - - showq
"""
MAIN = """\
compatibility_level = 3.6
queue_directory = {folder}/queue
data_directory = {folder}/data
mail_owner = postfix
setgid_group = postdrop
maillog_file = {folder}/log/mail.log
maillog_file_prefixes = {folder}/log
myhostname = mail.reportgen.test
mydestination =
mynetworks = 127.0.0.0/8
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
virtual_mailbox_domains = reportgen.test
virtual_mailbox_base = {folder}/mail
virtual_mailbox_maps = texthash:{folder}/boxes
virtual_uid_maps = static:{uid}
virtual_gid_maps = static:{gid}
virtual_minimum_uid = 1
message_size_limit = 5000000
smtpd_tls_security_level = may
smtpd_tls_chain_files = {folder}/tls.pem
smtpd_recipient_restrictions = reject_unauth_destination
"""


@dataclass
class Postfix:
    """A Postfix that runs. folder: of all it has. authority: that signed its certificate."""

    port: int
    folder: Path
    authority: Path

    def mails(self, box, count=1):
        """Give the mails in the box of a name, once there are so many; waits for the queue."""
        for _ in range(300):
            place = self.folder / "mail" / box
            found = list(Maildir(place, create=False)) if (place / "new").is_dir() else []
            if len(found) >= count:
                return found
            time.sleep(0.1)
        log = (self.folder / "log" / "mail.log").read_text()
        raise AssertionError(f"{len(found)} mails for {box}, not {count}:\n{log}")


@contextmanager
def running_postfix(folder, certificate, boxes):
    """Run Postfix in an empty folder, whose parents everybody may enter; as root only.

    certificate: of trustme, for localhost. boxes: names that have a mailbox in reportgen.test.
    """
    owner = pwd.getpwnam("postfix")
    for name in ("queue", "data", "log", "mail", "conf"):
        (folder / name).mkdir()
    shutil.chown(folder / "data", "postfix")
    shutil.chown(folder / "mail", owner.pw_uid, owner.pw_gid)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    (folder / "boxes").write_text("".join(f"{box}@reportgen.test {box}/\n" for box in boxes))
    certificate.private_key_and_cert_chain_pem.write_to_path(folder / "tls.pem")
    given = {"folder": folder, "port": port, "uid": owner.pw_uid, "gid": owner.pw_gid}
    (folder / "conf" / "main.cf").write_text(MAIN.format(**given))
    (folder / "conf" / "master.cf").write_text(MASTER.format(**given))
    command = ["postfix", "-c", str(folder / "conf")]
    started = subprocess.run([*command, "start"], capture_output=True, text=True, check=False)
    assert started.returncode == 0, started.stderr
    try:
        yield Postfix(port, folder, folder / "authority.pem")
    finally:
        subprocess.run([*command, "stop"], capture_output=True, check=False, timeout=60)
