import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import fc from "fast-check";
import { readObservation } from "../../../../components/host/observation";
import { ROOT, temporaryFolder } from "../../support";

type Line = readonly [kind: string, item: string, field: string, value: string, source: string];

const answer = (...lines: readonly Line[]): string =>
  ["observe\t1", ...lines.map((l) => l.join("\t")), `end\t${lines.length}`, ""].join("\n");

const said = (text: string): Line => [
  ...(["fact", "libvirt", "transcript", Buffer.from(text).toString("base64")] as const),
  "virsh",
];

describe("readObservation", () => {
  it("distinguishes known and unknown values", () => {
    const seen = readObservation(
      answer(
        ["fact", "package curl", "state", "installed", "dpkg-query -W"],
        ["unknown", "config qemu.conf", "user", "cannot be read", "qemu.conf"],
      ),
    );
    assert.equal(seen.value("package curl", "state"), "installed");
    assert.equal(seen.value("config qemu.conf", "user"), undefined);
    assert.deepEqual(seen.fact("config qemu.conf", "user"), {
      value: "cannot be read",
      known: false,
      source: "qemu.conf",
    });
    assert.deepEqual(seen.items("package"), ["package curl"]);
  });

  it("refuses an answer that is cut off anywhere", () => {
    const line = fc.tuple(
      fc.constantFrom("fact", "unknown"),
      ...(["i", "f", "v", "s"] as const).map((head) =>
        fc.string({ unit: "grapheme-ascii", maxLength: 12 }).map((t) => head + t),
      ),
    ) as unknown as fc.Arbitrary<Line>;
    const lines = fc.uniqueArray(line, { maxLength: 8, selector: (l) => `${l[1]}\t${l[2]}` });
    fc.assert(
      fc.property(lines, fc.double({ min: 0, max: 0.999, noNaN: true }), (all, part) => {
        const whole = answer(...all);
        const seen = readObservation(whole);
        for (const [kind, item, field, value] of all) {
          assert.equal(seen.value(item, field), kind === "fact" ? value : undefined);
        }
        // Without its last line feed the answer is still complete.
        const cut = whole.slice(0, Math.floor((whole.length - 1) * part));
        assert.throws(
          () => readObservation(cut),
          /found the first line|found an incomplete answer/,
        );
      }),
    );
  });

  it("refuses another version, a malformed line, and a duplicate fact", () => {
    assert.throws(() => readObservation("observe\t2\nend\t0\n"), {
      message: "host observation: found the first line 'observe<U+0009>2'; need version 1",
    });
    assert.throws(
      () => readObservation("observe\t1\nfact\ta\tb\nend\t1\n"),
      /found the line 'fact\ta\tb'; need KIND ITEM FIELD VALUE SOURCE$/,
    );
    const twice: Line = ["fact", "a", "b", "c", "d"];
    assert.throws(
      () => readObservation(answer(twice, twice)),
      /found 'b' of 'a' twice; need it once$/,
    );
  });

  it("reads virsh's output on pool, volume, network and domain", () => {
    const seen = readObservation(
      answer(
        said(
          `qemu:///system
@@pool p@@Name:           p
State:          running
Autostart:      no
<pool type='dir'><target><path>/data/pool</path></target></pool>
@@volume v.qcow2@@<volume><capacity unit='bytes'>4096</capacity></volume>
@@network n@@Active:         no
Autostart:      yes
<network><metadata><mirlab:owner xmlns:mirlab='urn:mirlab:1'><mirlab:stack>s</mirlab:stack></mirlab:owner></metadata><ip address='10.0.0.1' netmask='255.255.255.0'><dhcp><host mac='52:54:00:AA:00:01' ip='10.0.0.9'/></dhcp></ip></network>
@@domain d 5%2540 %40%40x@@running

<domain xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'><metadata><mirlab:owner xmlns:mirlab='urn:mirlab:1'><mirlab:stack>s</mirlab:stack><mirlab:guest>g</mirlab:guest></mirlab:owner></metadata>
<devices><graphics type='spice' port='5901' autoport='no'/></devices>
<qemu:commandline><qemu:arg value='user,id=mirlab0,hostfwd=tcp:127.0.0.1:2200-:22'/></qemu:commandline></domain>
@@pool gone@@error: failed to get pool 'gone'
error: Storage pool not found: no storage pool with matching name 'gone'
@@pool odd@@error: internal error: client socket is closed
`,
        ),
      ),
    );
    const table: [string, string, string | undefined][] = [
      ["pool p", "state", "active"],
      ["pool p", "autostart", "no"],
      ["pool p", "path", "/data/pool"],
      ["volume v.qcow2", "state", "exists"],
      ["network n", "state", "inactive"],
      ["network n", "address", "10.0.0.1/24"],
      ["network n", "stack", "s"],
      ["network n", "address of 52:54:00:aa:00:01", "10.0.0.9"],
      ["domain d 5%40 @@x", "state", "running"],
      ["domain d 5%40 @@x", "owner", "s.g"],
      ["domain d 5%40 @@x", "ssh port", "2200"],
      ["domain d 5%40 @@x", "spice port", "5901"],
      ["pool gone", "state", "missing"],
      ["pool odd", "state", undefined],
    ];
    for (const [item, field, value] of table) assert.equal(seen.value(item, field), value, item);
    assert.match(seen.fact("pool odd", "state")?.value ?? "", /client socket is closed/);
  });

  it("reads the header of a volume's file, not libvirt's cached values", () => {
    const look = (header: object | string, kind = "fact") => {
      const text = typeof header === "string" ? header : JSON.stringify(header);
      const value = kind === "fact" ? Buffer.from(text).toString("base64") : text;
      const seen = readObservation(
        answer([kind, "volume v.qcow2", "header", value, "qemu-img info"]),
      );
      const facts = ["format", "virtual size", "backing file", "backing format"].map((field) =>
        seen.fact("volume v.qcow2", field),
      );
      return facts.map((fact) => (fact?.known === true ? fact.value : `? ${fact?.value}`));
    };
    const overlay = {
      ...{ format: "qcow2", "virtual-size": 4096, filename: "/pool/v.qcow2" },
      "backing-filename": "img.raw",
      "full-backing-filename": "/pool/img.raw",
      "backing-filename-format": "raw",
    };
    assert.deepEqual(look(overlay), ["qcow2", "4096", "/pool/img.raw", "raw"]);
    assert.deepEqual(look({ format: "raw", "virtual-size": 1 }), ["raw", "1", "none", "none"]);
    assert.deepEqual(look({ ...overlay, "full-backing-filename": "/a\nb\u001b[2J" }), [
      ...["qcow2", "4096", "/a<U+000A>b<U+001B>[2J", "raw"],
    ]);
    const unread = Array<string>(4).fill("? the answer cannot be read");
    assert.deepEqual(look({ format: "qcow2" }), unread);
    assert.deepEqual(look("warning: odd\n{}"), unread);
    assert.deepEqual(look("no such file", "unknown"), Array<string>(4).fill("? no such file"));
    assert.deepEqual(look("not yours", "unread"), Array<string>(4).fill("? not yours"));
  });

  it("reads a volume's file itself, and ignores warnings beside the answer", () => {
    const folder = temporaryFolder();
    const programs = join(folder, "bin");
    mkdirSync(programs);
    const look = (qemuImg: string) => {
      writeFileSync(join(programs, "qemu-img"), `#!/bin/sh\n${qemuImg}\n`, { mode: 0o755 });
      writeFileSync(join(programs, "virsh"), "#!/bin/sh\nexit 1\n", { mode: 0o755 });
      const path = join(folder, "v.qcow2");
      const script = join(ROOT, "scripts", "host", "observe.sh");
      const seen = readObservation(
        execFileSync("bash", [script, "-", "volume", "p", path], {
          encoding: "utf8",
          env: { ...process.env, PATH: `${programs}:${process.env["PATH"]}` },
        }),
      );
      return seen.fact("volume v.qcow2", "format");
    };
    const source = "qemu-img info";
    const answered = `echo '{"format": "qcow2", "virtual-size": 1}'`;
    const known = { value: "qcow2", known: true, source };
    assert.deepEqual(look(answered), known);
    assert.deepEqual(look(`echo 'warning: odd' >&2; ${answered}; printf odd >&2`), known);
    assert.deepEqual(look("echo 'no such file' >&2; exit 1"), {
      ...{ value: "no such file", known: false, source },
    });
  });

  it("hashes an image only if it was written since its manifest or the last look", () => {
    const folder = temporaryFolder();
    const image = join(folder, "key.qcow2");
    const look = (signature: string, digest: string) =>
      readObservation(
        execFileSync(
          "bash",
          [join(ROOT, "scripts", "host", "observe.sh"), "-", "image", image, signature, digest],
          { encoding: "utf8" },
        ),
      );
    writeFileSync(image, "first", { mode: 0o444 });
    writeFileSync(join(folder, "key.manifest"), "image-sha256: of-the-manifest\npackages:\n");
    const sound = look("-", "-");
    assert.equal(sound.value(`image ${image}`, "digest"), "sha256:of-the-manifest");
    assert.equal(sound.value(`image ${image}`, "mode"), "444");
    execFileSync("bash", ["-c", `sleep 0.05; printf x >>"$1"`, "edit", image]);
    const hash = execFileSync("sha256sum", [image], { encoding: "utf8" }).split(" ")[0] ?? "";
    const written = look(sound.value(`image ${image}`, "signature") ?? "", "recorded");
    assert.equal(written.value(`image ${image}`, "digest"), `sha256:${hash}`);
    assert.equal(written.value(`image ${image}`, "manifest"), "sha256:of-the-manifest");
    const known = look(written.value(`image ${image}`, "signature") ?? "", "recorded");
    assert.equal(known.value(`image ${image}`, "digest"), "recorded");
  });

  it("reads what the script prints on this machine", () => {
    const folder = temporaryFolder();
    const words = ["package", "bash", "package", "no-such-package", "folder", folder];
    const script = join(ROOT, "scripts", "host", "observe.sh");
    const printed = execFileSync(
      "bash",
      [
        ...[script, "-", ...words, "folder", `${folder}/no`, "ports", `${folder}/p`],
        ...["volume", "no-such-pool", `${folder}/none.qcow2`],
      ],
      { encoding: "utf8" },
    );
    const seen = readObservation(printed);
    assert.equal(seen.value("package bash", "state"), "installed");
    assert.equal(seen.value("package no-such-package", "state"), "missing");
    assert.equal(seen.value(`folder ${folder}`, "mode"), "700");
    assert.equal(seen.value(`folder ${folder}/no`, "state"), "missing");
    assert.equal(seen.value("ports p", "reserved"), "nothing");
    assert.equal(seen.fact("volume none.qcow2", "backing file")?.known, false);
    assert.notEqual(seen.value("libvirt", "answers"), undefined);
  });
});
