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
