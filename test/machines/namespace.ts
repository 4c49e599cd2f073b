/** A user that a test makes: the files that name it are copies in a mount namespace of the test. */
import { ROOT } from "../unit/support";

interface OwnUser {
  readonly name: string;
  readonly uid: number;
  /** @default /tmp */
  readonly home?: string;
  /** Files of /etc that the test may change. @default passwd and group */
  readonly files?: readonly string[];
}

/**
 * Shell text for the namespace, whose first argument is a folder of the test: makes the user, binds the checkout
 * to FOLDER/lab, where that user passes, and goes there.
 */
export const makeUser = ({
  name,
  uid,
  home = "/tmp",
  files = ["passwd", "group"],
}: OwnUser): string => `set -e
    for name in ${files.join(" ")}; do cp -a "/etc/$name" "$1/$name"; mount --bind "$1/$name" "/etc/$name"; done
    echo '${name}:x:${uid}:${uid}::${home}:/bin/bash' >>/etc/passwd
    echo '${name}:x:${uid}:' >>/etc/group
    mkdir -p "$1/lab"
    mount --bind '${ROOT}' "$1/lab"
    cd "$1/lab"
`;

/** Shell text after makeUser: sudo with the rules of the second argument, whatever the file system of /usr allows. */
export const REAL_SUDO = `
    printf '%s\n' "$2" >/etc/sudoers
    mkdir -p /run/sudo "$1/suid"
    mount -t tmpfs tmpfs /run/sudo
    # A machine may ignore set-uid bits on the file system of /usr.
    mount -t tmpfs -o suid,exec,mode=755 tmpfs "$1/suid"
    cp -p /usr/bin/sudo "$1/suid/sudo"
    mount --bind "$1/suid/sudo" /usr/bin/sudo
`;
