/** The way of the host's apt, as image builds and guests get it. */
import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { run } from "../../../core/exec.io";
import { ROOT, temporaryFolder } from "../support";

const root = process.getuid?.() === 0;
const folder = temporaryFolder();
const PEM = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----";
writeFileSync(join(folder, "ca.pem"), `${PEM}\n`);
mkdirSync(join(folder, "auth"));
const NONE = { http_proxy: "", https_proxy: "", no_proxy: "" };

/** Runs `words` after apt-way.sh, with an apt.conf of the host, and its passwords. */
async function onHost(
  words: string,
  conf: string,
  { passwords = "", env = {} }: { passwords?: string; env?: Record<string, string> } = {},
): Promise<string> {
  writeFileSync(join(folder, "apt.conf"), conf);
  writeFileSync(join(folder, "auth", "lab.conf"), passwords);
  const inside = `
    mkdir -p /etc/apt/auth.conf.d
    mount --bind '${folder}/auth' /etc/apt/auth.conf.d
    mount -t tmpfs tmpfs /etc/apt/apt.conf.d
    ME=test; cd '${ROOT}/scripts/host'; . ./lib.sh; . ./apt-way.sh; set -euo pipefail
    ${words}`;
  const ended = await run(["unshare", "--mount", "bash", "-c", inside], {
    env: { ...NONE, ...env, APT_CONFIG: join(folder, "apt.conf") },
  });
  assert.equal(ended.code, 0, ended.stderr);
  return ended.stdout.toString();
}
const way = async (...args: [string, { env?: Record<string, string> }?]) =>
  (await onHost("apt_way", ...args))
    .split("\n")
    .filter((line) => line !== "")
    .sort();

describe("the way of the host's apt", { skip: root ? false : "needs root: it mounts" }, () => {
  it("is nothing on a host that goes straight", async () => {
    assert.deepEqual(await way('APT::Install-Recommends "false";\n'), []);
    assert.equal(await onHost("guest_way 10.0.2.2", ""), "");
  });

  it("is its proxies, certificates and patience with old lists, and nothing else", async () => {
    const conf = [
      'Acquire::http::Proxy "http://proxy.example:3128";',
      'Acquire::http::Proxy::deb.example "DIRECT";',
      'Acquire::https::CaInfo "/etc/ssl/ours.pem";',
      'Acquire::Check-Valid-Until "false";',
    ];
    const more = ['Acquire::http::User-Agent "x";', 'DPkg::Post-Invoke { "rm -rf /"; };'];
    assert.deepEqual(await way([...conf, ...more].join("\n")), [...conf].sort());
  });

  it("is the program's answer where apt asks one", async () => {
    const detect = join(folder, "detect");
    writeFileSync(detect, "#!/bin/sh\necho http://found.example:3142\n", { mode: 0o755 });
    assert.deepEqual(await way(`Acquire::http::Proxy-Auto-Detect "${detect}";\n`), [
      'Acquire::http::Proxy "http://found.example:3142";',
    ]);
  });

  it("is in a tree that mmdebstrap makes as long as it is made, for root alone", async () => {
    const conf = 'Acquire::http::Proxy "http://proxy.example:3128";\n';
    const words = `
      MMDEBSTRAP_APT_CONFIG=$(mktemp) root=$(mktemp -d)
      export MMDEBSTRAP_APT_CONFIG
      bash -c "$(root_way)"'; keep_way "$1"; stat -c %a "$1"' way "$root.apt"
      sh -c "\${way_hooks[0]#--setup-hook=}" hook "$root"
      cat "$MMDEBSTRAP_APT_CONFIG"; (cd "$root" && find . -type f -printf '%p %m\\n')
      sh -c "\${way_hooks[1]#--customize-hook=}" hook "$root"
      find "$root" -type f`;
    const netrc =
      'Dir::Etc::netrc "/etc/apt/auth.conf";\nDir::Etc::netrcparts "/etc/apt/auth.conf.d";';
    assert.equal(
      await onHost(words, conf),
      `600\n${conf}${netrc}\n./etc/apt/apt.conf.d/99mirlab-build 600\n`,
    );
  });

  it("is the environment's where apt's settings name no proxy", async () => {
    const env = { http_proxy: "http://env.example:1", no_proxy: "localhost,.example.org" };
    assert.deepEqual(await way("", { env }), [
      'Acquire::http::Proxy "http://env.example:1";',
      'Acquire::http::Proxy::example.org "DIRECT";',
      'Acquire::http::Proxy::localhost "DIRECT";',
      'Acquire::https::Proxy::example.org "DIRECT";',
      'Acquire::https::Proxy::localhost "DIRECT";',
    ]);
    const set = 'Acquire::http::Proxy "http://proxy.example:3128";\n';
    assert.ok((await way(set, { env })).includes(set.trim()));
    assert.deepEqual(await way("", { env: { http_proxy: 'http://x"; DPkg::Run "y' } }), []);
  });

  it("is the lab's own where host.apt sets one, the rest is the host's", async () => {
    const conf =
      'Acquire::http::Proxy "http://proxy.example:3128";\nAcquire::http::Proxy::deb.example "DIRECT";\nAcquire::https::CaInfo "/etc/ssl/ours.pem";\n';
    const own = (settings: string) => way(conf, { env: { MIRLAB_APT: settings } });
    assert.deepEqual(await own("proxy=http://[::1]:3142 valid-until=ignore"), [
      'Acquire::Check-Valid-Until "false";',
      'Acquire::http::Proxy "http://[::1]:3142";',
      'Acquire::https::CaInfo "/etc/ssl/ours.pem";',
      'Acquire::https::Proxy "http://[::1]:3142";',
    ]);
    const strict = await way('Acquire::Check-Valid-Until "false";\n', {
      env: { MIRLAB_APT: "valid-until=check" },
    });
    assert.ok(strict.includes('Acquire::Check-Valid-Until "true";'));
    assert.ok((await own("proxy=DIRECT")).includes('Acquire::http::Proxy "DIRECT";'));
    const sources = (settings: string) =>
      onHost("archive_sources trixie $(host_mirror trixie) | cut -d' ' -f3,4", "", {
        env: { MIRLAB_APT: settings },
      }).then((text) => text.trim().split("\n"));
    assert.deepEqual(await sources("mirror=http://m.example/debian"), [
      ...["http://m.example/debian trixie", "http://m.example/debian trixie-updates"],
      "http://m.example/debian-security trixie-security",
    ]);
    assert.equal(
      (await sources("mirror=http://m.example/d security=http://s.example/x")).at(-1),
      "http://s.example/x trixie-security",
    );
  });

  it("is curl's for a file of the archives, with the password of its machine", async () => {
    const conf = [
      'Acquire::http::Proxy "http://proxy.example:3128";',
      'Acquire::http::Proxy::deb.example "DIRECT";',
      'Acquire::https::CaInfo "/etc/ssl/ours.pem";',
    ].join("\n");
    const passwords = "machine https://deb.example:8080/debian login ann password s3cret";
    const netrc = join(folder, "netrc");
    const curl = (url: string) =>
      onHost(
        `use_curl_way ${url} ${netrc}; printf '%s ' "\${curl_way[@]}"; stat -c '%a %U' ${netrc}; cat ${netrc}`,
        conf,
        { passwords },
      );
    const file = "600 root\nmachine deb.example login ann password s3cret\n";
    const begin = `--netrc-file ${netrc} `;
    assert.equal(await curl("http://deb.example/x"), `${begin}--noproxy * ${file}`);
    assert.equal(
      await curl("http://other.example:80/x"),
      `${begin}--proxy http://proxy.example:3128 ${file}`,
    );
    assert.equal(await curl("https://deb.example/x"), `${begin}--cacert /etc/ssl/ours.pem ${file}`);
  });

  it("is a confined apt's, whose passwords its user alone reads", async () => {
    const conf = `Acquire::https::CaInfo "${folder}/ca.pem";\nAcquire::http::Proxy "http://p:1";\n`;
    const into = temporaryFolder();
    const seen = await onHost(
      `way_into ${into} /inside 65533; cd ${into}; stat -c '%a %u %n' auth.conf apt.conf; cat apt.conf authority.pem`,
      conf,
      { passwords: "machine a login b password c" },
    );
    assert.deepEqual(seen.trim().split("\n"), [
      ...["400 65533 auth.conf", "644 0 apt.conf"],
      'Acquire::https::CaInfo "/inside/authority.pem";',
      'Acquire::http::Proxy "http://p:1";',
      ...['Dir::Etc::netrc "/inside/auth.conf";', 'Dir::Etc::netrcparts "-";'],
      ...PEM.split("\n"),
    ]);
  });

  it("gets to a guest as its own: the host's loopback, certificate and passwords too", async () => {
    const conf = [
      'Acquire::http::Proxy "http://user:pw@127.0.0.1:3142/";',
      'Acquire::https::Proxy "http://localhost:3142";',
      `Acquire::https::CaInfo "${folder}/ca.pem";`,
      'Acquire::Check-Valid-Until "false";',
    ].join("\n");
    const passwords = "machine deb.example login ann password s3cret";
    const document = await onHost("guest_way 192.168.130.1", conf, { passwords });
    assert.match(document, /^#cloud-boothook\n#!\/bin\/sh\n/);
    // The guest runs it: its /etc/apt is this folder.
    const guest = temporaryFolder();
    for (const name of ["apt.conf.d", "auth.conf.d"]) mkdirSync(join(guest, name));
    const ended = await run(
      [
        "unshare",
        "--mount",
        "sh",
        "-c",
        `mount --bind '${guest}' /etc/apt && sh -s; cd /etc/apt; stat -c '%a %n' */* *.pem; cat auth.conf.d/*; cat *.pem; apt-config dump --no-empty --format '%f=%v%n' Acquire::http::Proxy Acquire::https::Proxy Acquire::https::CaInfo Acquire::Check-Valid-Until`,
      ],
      { stdin: document, env: { APT_CONFIG: "" } },
    );
    assert.equal(ended.code, 0, ended.stderr);
    const seen = ended.stdout.toString();
    assert.match(seen, /^644 apt\.conf\.d\/90mirlab-host$/m);
    assert.match(seen, /^600 auth\.conf\.d\/90mirlab-host\.conf$/m);
    assert.match(seen, /^machine deb\.example login ann password s3cret$/m);
    assert.ok(seen.includes(PEM));
    for (const line of [
      "Acquire::http::Proxy=http://user:pw@192.168.130.1:3142/",
      "Acquire::https::Proxy=http://192.168.130.1:3142",
      "Acquire::https::CaInfo=/etc/apt/mirlab-host.pem",
      "Acquire::Check-Valid-Until=false",
    ])
      assert.ok(seen.split("\n").includes(line), `${line} in ${seen}`);
  });
});
