import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { Secret } from "@pulumi/policy";
import type { ResourceValidationArgs, ResourceValidationPolicy } from "@pulumi/policy";
import { plainSecrets } from "../../core/plainSecrets";
import { dataDiskProtected } from "../../policies/dataDiskProtected";
import { hostKeyPinned } from "../../policies/hostKeyPinned";
import { imagePinned } from "../../policies/imagePinned";
import { noSecretInPlainInput } from "../../policies/noSecretInPlainInput";
import { verifiedLibvirtUri } from "../../policies/verifiedLibvirtUri";
import { ROOT } from "../unit/support";
import { Given, inPreview, said, UNKNOWN } from "./support";

const command = (props: object): Given => ({ type: "command:local:Command", name: "job", props });
const remote = (connection: object | undefined): Given => ({
  ...{ type: "command:remote:Command", name: "job" },
  props: { create: "true", connection },
});
const provider = (uri?: string): Given => ({
  ...{ type: "pulumi:providers:libvirt", name: "kvm" },
  props: uri === undefined ? {} : { uri },
});
const volume = (name: string, more: object = {}): Given => ({
  ...{ type: "libvirt:index/volume:Volume", name, props: {} },
  ...more,
});

type Row = readonly [claim: string, given: Given, messages: readonly string[], config?: object];

function table(policy: ResourceValidationPolicy, rows: readonly Row[]): void {
  for (const [claim, given, messages, config] of rows) {
    it(`${messages.length === 0 ? "holds for" : "names"} ${claim}`, async () =>
      assert.deepEqual(await said(policy, given, config), messages));
  }
}

describe("policy image-pinned", () => {
  const FETCH = "bash scripts/host/image-fetch.sh /var/cache/mirlab/images";
  const URL = "https://images.example/a.qcow2";
  const DIGEST = `sha256:${"0".repeat(64)}`;
  const found = (text: string): string[] => [`command 'job': found ${text}`];
  table(imagePinned, [
    ["https with a digest", command({ create: `${FETCH} ${URL} ${DIGEST} qcow2 12` }), []],
    [
      "loopback with a digest",
      command({ create: `${FETCH} http://127.0.0.1:8080/a.img ${DIGEST} raw 12` }),
      [],
    ],
    [
      "Debian by apt",
      command({ create: "bash scripts/host/image-build.sh build --suite bookworm" }),
      [],
    ],
    ["a command without an image", command({ create: "true" }), []],
    ["no create", command({}), []],
    [
      "no digest",
      command({ create: `${FETCH} ${URL} qcow2` }),
      found(`${URL} without a digest; need one; fix: set guests[].image.digest`),
    ],
    [
      "a short digest, in quotes",
      command({ create: `${FETCH} '${URL}' 'sha256:00'` }),
      found(`${URL} without a digest; need one; fix: set guests[].image.digest`),
    ],
    [
      "plain http",
      command({ update: `${FETCH} http://images.example/a.img ${DIGEST}` }),
      found(
        "a refused image URL (plain http is accepted from loopback only; use https); need https, or loopback; fix: correct guests[].image.url",
      ),
    ],
    [
      "checks switched off",
      command({ create: "mmdebstrap --no-check-gpg" }),
      found("--no-check-gpg; need verified downloads; fix: remove the option"),
    ],
    [
      "a volume that the provider downloads",
      volume("base", { props: { source: URL } }),
      [
        `volume 'base': found a download of ${URL} without a digest; need a verified file; fix: use guests[].image with a digest, or name a verified file`,
      ],
    ],
    ["a volume from a file", volume("base", { props: { source: "/srv/a.qcow2" } }), []],
    [
      "a disk by URL",
      { type: "libvirt:index/domain:Domain", name: "web", props: { disks: [{ url: URL }] } },
      [
        `disk of 'web': found a download of ${URL} without a digest; need a verified file; fix: use guests[].image with a digest, or name a verified file`,
      ],
    ],
  ]);
  it("throws while the command is unknown", () =>
    assert.rejects(said(imagePinned, command({ create: UNKNOWN })), /create/));
});

describe("policy host-key-pinned", () => {
  const no = (where: string): string[] => [
    `connection of 'job': found no ${where}; need a pinned host key; fix: set it to a line of ssh-keyscan without the host name, verified on the host's console`,
  ];
  const hostKey = "ssh-ed25519 AAAA";
  table(hostKeyPinned, [
    ["a pinned connection", remote({ host: "127.0.0.1", hostKey }), []],
    ["a pinned proxy", remote({ host: "127.0.0.1", hostKey, proxy: { hostKey } }), []],
    ["an unknown key", remote({ host: "127.0.0.1", hostKey: UNKNOWN }), []],
    ["a command of this machine", command({}), []],
    ["a preview's connection to a host not known yet", remote({ host: "", user: "root" }), []],
    ["no key", remote({ host: "127.0.0.1" }), no("connection.hostKey")],
    ["an empty key", remote({ host: "127.0.0.1", hostKey: "" }), no("connection.hostKey")],
    ["no connection", remote(undefined), no("connection.hostKey")],
    [
      "a proxy without one",
      remote({ hostKey, proxy: { host: "127.0.0.1" } }),
      no("connection.proxy.hostKey"),
    ],
  ]);
  it("throws while the connection is unknown", () =>
    assert.rejects(
      said(hostKeyPinned, { ...remote({}), props: { connection: UNKNOWN } }),
      /connection/,
    ));
});

describe("policy no-plain-or-unverified-libvirt-uri", () => {
  const no = (found: string, fix: string): string[] => [
    `provider 'kvm': found ${found}; need a verified connection to libvirt; fix: ${fix}`,
  ];
  const ssh = "qemu+ssh://root@127.0.0.1/system";
  table(verifiedLibvirtUri, [
    ["this machine's", provider("qemu:///system"), []],
    ["a pinned one", provider(`${ssh}?keyfile=/k&knownhosts=/h&sshauth=privkey`), []],
    ["a key in the agent", provider(`${ssh}?knownhosts=/h&sshauth=agent`), []],
    ["TLS", provider("qemu+tls://127.0.0.1/system"), []],
    ["another provider", { type: "pulumi:providers:command", props: {} }, []],
    ["none", provider(), no("no uri", "set it, e.g. qemu:///system")],
    [
      "plain tcp",
      provider("qemu+tcp://127.0.0.1/system"),
      no("plain tcp", "use qemu+ssh or qemu+tls"),
    ],
    [
      "no_verify, even when it is 0",
      provider(`${ssh}?no_verify=0`),
      no("no_verify=0", "drop it, as any value disables the check"),
    ],
    [
      "ignored known hosts",
      provider(`${ssh}?known_hosts_verify=ignore`),
      no("known_hosts_verify=ignore", "drop it, and give knownhosts a file"),
    ],
    [
      "a password",
      provider(`${ssh}?sshauth=privkey,ssh-password`),
      no(
        "sshauth=privkey,ssh-password",
        "use privkey with keyfile, or agent, as the password would be in the URI",
      ),
    ],
    [
      "a password",
      provider("qemu+ssh://root:pw@127.0.0.1/system"),
      no("a password in the URI", "use keyfile"),
    ],
  ]);
  it("throws while the URI is unknown", () =>
    assert.rejects(said(verifiedLibvirtUri, provider(UNKNOWN)), /uri/));
});

describe("policy data-disk-protected", () => {
  const below = "mirlab:index:Guest$mirlab:index:MirDomain$";
  const no = (name: string): string[] => [
    `volume '${name}': found protect off; need protect on: its data goes with it; fix: add { protect: true } to its options, or list '${name}' in scratch of this policy`,
  ];
  table(dataDiskProtected, [
    ["a protected root disk", volume("mir-vm-disk", { below, protect: true }), []],
    ["a protected one", volume("data", { protect: true }), []],
    ["another resource", command({}), []],
    ["a root disk", volume("mir-vm-disk", { below }), no("mir-vm-disk")],
    ["another volume", volume("data"), no("data")],
    ["a volume listed as scratch", volume("data"), [], { scratch: ["data"] }],
    [
      "a protected volume with unknown inputs",
      volume("data", { protect: true, props: { name: UNKNOWN } }),
      [],
    ],
  ]);
});

describe("policy no-secret-in-plain-input", () => {
  const KEY = "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----";
  const no = (path: string, what: string): string[] => [
    `input ${path} of 'job': found ${what}; need no secret in plain text; fix: keep it in a file of mode 0600 and pass the path, or wrap it in pulumi.secret()`,
  ];
  table(noSecretInPlainInput, [
    [
      "a command without a secret",
      command({ create: "bash scripts/host/packages.sh install jq" }),
      [],
    ],
    [
      "a path to a secret",
      command({ environment: { PASSWORD_FILE: "/k" }, privateKeyFile: "/k" }),
      [],
    ],
    ["a variable", command({ create: 'psql "password=$DB_PASSWORD"' }), []],
    ["an unknown value", command({ environment: { PASSWORD: UNKNOWN } }), []],
    [
      "an SSH connection, which the SDK marks as secret",
      remote({ privateKey: KEY, hostKey: "k" }),
      [],
    ],
    ["the code of a dynamic provider", command({ __provider: 'password = "abcdef"' }), []],
    ["a private key on standard input", command({ stdin: KEY }), no("stdin", "a private key")],
    [
      "a password in the environment",
      command({ environment: { DB_PASSWORD: "abc" } }),
      no("environment.DB_PASSWORD", "a value under a key that names a secret"),
    ],
    [
      "a password in a command",
      command({ create: "tool --password=abcdef" }),
      no("create", "a text that sets a password, token or key"),
    ],
    [
      "a ticket in a stylesheet",
      command({ xml: { xslt: '<graphics passwd="abcdef"/>' } }),
      no("xml.xslt", "a text that sets a password, token or key"),
    ],
    [
      "a token in a list",
      command({ tokens: [], list: [{ token: "abc" }] }),
      no("list.0.token", "a value under a key that names a secret"),
    ],
    [
      "a configured canary",
      command({ create: "echo CANARY-42" }),
      no("create", "a pattern of this policy"),
      { patterns: ["CANARY-\\d+"] },
    ],
  ]);

  it("accepts what the engine passes as secret", async () => {
    const given = command({ stdin: KEY, environment: { A: "b" } });
    const props = inPreview({ stdin: new Secret(KEY), environment: { A: "b" } });
    const { remediateResource } = noSecretInPlainInput;
    assert.ok(remediateResource);
    const urn = "urn:pulumi:dev::mirlab::command:local:Command::job";
    const args = { urn, props } as unknown as ResourceValidationArgs;
    assert.equal(await remediateResource(args), undefined, "nothing is changed");
    assert.deepEqual(await said(noSecretInPlainInput, given), []);
  });

  it("accepts an SSH connection that the engine no longer reports as secret", async () => {
    const given = remote({ privateKey: KEY, hostKey: "k" });
    const { remediateResource } = noSecretInPlainInput;
    assert.ok(remediateResource);
    const urn = "urn:pulumi:dev::mirlab::command:remote:Command::job";
    await remediateResource({
      urn,
      props: inPreview(given.props),
    } as unknown as ResourceValidationArgs);
    assert.deepEqual(await said(noSecretInPlainInput, given), []);
  });

  it("never prints the value", async () => {
    const messages = await said(noSecretInPlainInput, {
      ...command({ stdin: KEY.replace("AAAA", "CANARY"), password: "CANARY" }),
      name: "other",
    });
    assert.equal(messages.length, 2);
    assert.doesNotMatch(messages.join(), /CANARY/);
  });

  it("finds no secret in the project's own scripts", () => {
    for (const folder of ["scripts/host", "scripts/guest"]) {
      for (const file of readdirSync(join(ROOT, folder))) {
        const stdin = readFileSync(join(ROOT, folder, file), "utf8");
        assert.deepEqual(plainSecrets({ stdin }), [], file);
      }
    }
  });
});
