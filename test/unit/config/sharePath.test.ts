import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { sharePathFault } from "../../../config/sharePath";

const FIX = "share a folder made for it, e.g. /srv/mir";

describe("sharePathFault", () => {
  const refused: [string, string][] = [
    ["/", "is a system folder"],
    ["/home", "is a system folder"],
    ["/root", "is a system folder"],
    ["/var/lib", "is a system folder"],
    ["/etc", "is in the system folder /etc"],
    ["/etc/ssh", "is in the system folder /etc"],
    ["/usr/local/share", "is in the system folder /usr"],
    ["/var/lib/libvirt/images", "is in the system folder /var/lib/libvirt"],
    ["/run/user/1000", "is in the system folder /run"],
    ["/home/ada", "is a home folder"],
    ["/home/ada/.ssh", "holds private keys"],
    ["/srv/keys/.gnupg/x", "holds private keys"],
    ["/./etc", "holds '.' or '..'"],
    ["/srv/../etc", "holds '.' or '..'"],
    ["/srv/mir/", "is not an absolute path"],
    ["//etc", "is not an absolute path"],
    ["srv/mir", "is not an absolute path"],
    ["", "is not an absolute path"],
  ];
  for (const [path, why] of refused) {
    it(`refuses '${path}'`, () => {
      assert.equal(sharePathFault(path), `'${path}' ${why}; ${FIX}`);
    });
  }

  const accepted = [
    "/srv/mir",
    "/home/ada/mir",
    "/opt/mir",
    "/mnt/data/mir",
    "/etcetera",
    "/tmp/x",
  ];
  for (const path of [...accepted, "/var/lib/mirlab/dev/share", "/root/share", "/usrlocal"]) {
    it(`accepts '${path}'`, () => assert.equal(sharePathFault(path), undefined));
  }

  it("refuses a system folder with anything below it, however the path is spelled", () => {
    const part = fc.stringMatching(/^[A-Za-z0-9._@+-]{1,8}$/);
    const tree = fc.constantFrom(
      "/bin",
      "/boot",
      "/dev",
      "/etc",
      "/lib64",
      "/proc",
      "/sys",
      "/usr",
    );
    const join = fc.constantFrom("/", "//", "/./", "/x/../");
    fc.assert(
      fc.property(tree, join, fc.array(part, { maxLength: 4 }), (start, slash, rest) => {
        assert.notEqual(sharePathFault([start, ...rest].join(slash)), undefined);
      }),
    );
  });

  it("never accepts a path that names something else once it is normalized", () => {
    const part = fc.constantFrom("etc", "srv", "mir", ".", "..", "", "home", "root", "usr");
    fc.assert(
      fc.property(fc.array(part, { minLength: 1, maxLength: 6 }), (parts) => {
        const path = `/${parts.join("/")}`;
        if (sharePathFault(path) === undefined) {
          assert.equal(new URL(`file://${path}`).pathname, path);
        }
      }),
    );
  });
});
