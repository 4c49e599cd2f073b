// Five cases of every policy: it holds, it is violated, the judged part is not declared, an input is
// unknown in a preview, and each of its settings.
import { POLICIES } from "../../policies/policies";
import { beside, DOMAIN, Given, HOST, lab, sheet, SPEC, UNKNOWN } from "./support";

type Stack = readonly Given[];

export interface Setting {
  readonly value: unknown;
  readonly stack: Stack;
  /** Findings without the setting, and with it. */
  readonly without: number;
  readonly with: number;
}

export interface Cases {
  readonly holds: Stack;
  readonly breaks: Stack;
  readonly missing: {
    /** The part that is not declared. */
    readonly what: string;
    readonly stack: Stack;
    /** 0: the part may be missing. */
    readonly findings: number;
  };
  readonly unknown: {
    readonly stack: Stack;
    /** The input that the policy waits for; unset: it judges without the input. */
    readonly waitsFor?: RegExp;
    /** Findings without the input. */
    readonly findings?: number;
  };
  readonly settings: Readonly<Record<string, Setting>>;
}

const SHARE = { path: "/srv/mir", tag: "share", readonly: true };
const share = (change: object): Stack => [lab({ share: { ...SHARE, ...change } })];
const spice = (change: object): Stack => [lab({ spice: { ...SPEC.spice, ...change } })];
const written = (elements: string): Stack => [beside({ xml: { xslt: sheet(elements) } })];
const named = (type: string, name: string, props: object, more: object = {}): Given => ({
  ...{ type, name, props },
  ...more,
});
const command = (props: object): Stack => [named("command:local:Command", "job", props)];
const connected = (connection: unknown): Stack => [
  named("command:remote:Command", "job", { create: "true", connection }),
];
const provider = (props: object): Stack => [named("pulumi:providers:libvirt", "kvm", props)];
const volume = (name: string, more: object = {}): Stack => [
  named("libvirt:index/volume:Volume", name, {}, more),
];
const disk = (gib: number): Stack => [
  named(HOST, "host-contract", { guests: [{ name: "mir", disk: { bytes: gib * 1024 ** 3 } }] }),
];
const guest = (gates: object): Stack => [
  named("mirlab:index:Guest", "mir", {}),
  named("pulumi-nodejs:dynamic/mir:MirReadiness", "mir-readiness", { gates }),
];

const FETCH = "bash scripts/host/image-fetch.sh /var/cache/mirlab/images";
const URL = "https://images.example/a.qcow2";
const DIGEST = `sha256:${"0".repeat(64)}`;
const KEY = "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----";
const GATES = { kernel: ">= 3.18", mesa: ">= 10.3.0" };
const OPEN = { type: "spice", listenType: "address", listenAddress: "0.0.0.0" };
const TLS =
  '<graphics type="spice" defaultMode="secure" passwd="x"><listen type="address" address="192.0.2.1"/></graphics>';
const ROOT_DISK = { below: "mirlab:index:Guest$mirlab:index:MirDomain$" };

/** A limit that a lab keeps by default, and violates with this value. */
const limit = (value: number, stack: Stack = [lab()]): Setting => ({
  ...{ value, stack, without: 0, with: 1 },
});
/** A list of excepted names. */
const excepted = (value: unknown, stack: Stack): Setting => ({
  ...{ value, stack, without: 1, with: 0 },
});

export const CASES: Readonly<Record<string, Cases>> = {
  "spice-only": {
    holds: [lab(), beside()],
    breaks: [beside({ graphics: { type: "vnc" } })],
    missing: {
      what: "a display, as the provider makes it SPICE",
      ...{ stack: [beside({ graphics: undefined })], findings: 0 },
    },
    unknown: { stack: [beside({ graphics: { type: UNKNOWN } })], waitsFor: /graphics\.type/ },
    settings: {},
  },
  "qxl-video": {
    holds: [lab(), beside()],
    breaks: [beside({ video: { type: "virtio" } })],
    missing: {
      what: "a video device, as the provider makes it cirrus",
      ...{ stack: [beside({ video: undefined })], findings: 1 },
    },
    unknown: {
      stack: [lab({ video: { ...SPEC.video, ramKiB: UNKNOWN } })],
      waitsFor: /spec\.video\.ramKiB/,
    },
    settings: {
      minRamKiB: limit(131_072),
      minVramKiB: limit(131_072),
      minVgamemKiB: limit(32_768),
      otherModels: excepted({ virtio: "needs 3D graphics" }, [
        beside({ video: { type: "virtio" } }),
      ]),
    },
  },
  "spice-not-exposed": {
    holds: [lab(), beside({ graphics: { type: "spice", listenType: "socket" } })],
    breaks: [beside({ graphics: OPEN })],
    missing: {
      what: "an address, as the host chooses one",
      ...{ stack: written('<graphics type="spice"/>'), findings: 1 },
    },
    unknown: {
      stack: [beside({ graphics: { ...OPEN, listenAddress: UNKNOWN } })],
      waitsFor: /listenAddress/,
    },
    settings: { clientVerified: excepted(["web"], written(TLS)) },
  },
  "no-clipboard-or-file-transfer": {
    holds: [lab(), beside()],
    breaks: spice({ clipboard: true }),
    missing: {
      what: "both, as libvirt enables them",
      ...{ stack: [beside({ xml: undefined })], findings: 2 },
    },
    unknown: { stack: spice({ clipboard: UNKNOWN }), waitsFor: /spec\.spice\.clipboard/ },
    settings: {
      clipboard: excepted(["mir"], spice({ clipboard: true })),
      fileTransfer: excepted(["mir"], spice({ fileTransfer: true })),
    },
  },
  "share-mapped-not-passthrough": {
    holds: [lab(), beside({ filesystems: [{ source: "/srv/a", accessmode: "mapped" }] })],
    breaks: [beside({ filesystems: [{ source: "/srv/a", accessmode: "passthrough" }] })],
    missing: {
      what: "the mode, as libvirt's default is passthrough",
      ...{ stack: written('<filesystem><source dir="/srv/a"/></filesystem>'), findings: 1 },
    },
    unknown: {
      stack: [beside({ filesystems: [{ source: "/srv/a", accessmode: UNKNOWN }] })],
      waitsFor: /accessmode/,
    },
    settings: {},
  },
  "share-not-sensitive": {
    holds: [lab()],
    breaks: share({ path: "/etc" }),
    missing: { what: "a share", stack: [lab({ share: undefined })], findings: 0 },
    unknown: { stack: share({ path: UNKNOWN }), waitsFor: /spec\.share\.path/ },
    settings: { paths: { value: ["/srv/mir/private"], stack: [lab()], without: 0, with: 1 } },
  },
  "share-readonly": {
    holds: [lab()],
    breaks: share({ readonly: false }),
    missing: {
      what: "the mode, as the provider's is read-only",
      ...{ stack: [beside({ filesystems: [{ source: "/srv/a" }] })], findings: 0 },
    },
    unknown: { stack: share({ readonly: UNKNOWN }), waitsFor: /spec\.share\.readonly/ },
    settings: { writable: excepted(["mir"], share({ readonly: false })) },
  },
  "readiness-present": {
    holds: guest(GATES),
    breaks: guest({ ...GATES, kernel: ">= 3.2" }),
    missing: { what: "MirReadiness", stack: guest(GATES).slice(0, 1), findings: 1 },
    unknown: { stack: guest({ ...GATES, kernel: UNKNOWN }), waitsFor: /gates\.kernel/ },
    settings: {},
  },
  "image-pinned": {
    holds: command({ create: `${FETCH} ${URL} ${DIGEST} qcow2 12` }),
    breaks: command({ create: `${FETCH} ${URL.replace("https", "http")} ${DIGEST} qcow2 12` }),
    missing: { what: "the digest", stack: command({ create: `${FETCH} ${URL}` }), findings: 1 },
    unknown: { stack: command({ create: UNKNOWN }), waitsFor: /create/ },
    settings: {},
  },
  "host-key-pinned": {
    holds: connected({ host: "127.0.0.1", hostKey: "ssh-ed25519 AAAA" }),
    breaks: connected({ host: "127.0.0.1", hostKey: "" }),
    missing: { what: "the key", stack: connected({ host: "127.0.0.1" }), findings: 1 },
    unknown: { stack: connected(UNKNOWN), waitsFor: /connection/ },
    settings: {},
  },
  "no-plain-or-unverified-libvirt-uri": {
    holds: provider({ uri: "qemu:///system" }),
    breaks: provider({ uri: "qemu+tcp://127.0.0.1/system" }),
    missing: { what: "the URI", stack: provider({}), findings: 1 },
    unknown: { stack: provider({ uri: UNKNOWN }), waitsFor: /uri/ },
    settings: {},
  },
  "no-secret-in-plain-input": {
    holds: command({ create: "true", environment: { PASSWORD_FILE: "/k" } }),
    breaks: command({ stdin: KEY }),
    missing: { what: "any input", stack: command({}), findings: 0 },
    // It checks each input by itself, so an unknown one does not hide the others.
    unknown: { stack: command({ create: UNKNOWN, stdin: KEY }), findings: 1 },
    settings: {
      patterns: {
        ...{ value: ["CANARY-\\d+"], stack: command({ create: "echo CANARY-42" }) },
        ...{ without: 0, with: 1 },
      },
    },
  },
  "data-disk-protected": {
    holds: [
      ...volume("data", { protect: true }),
      ...volume("mir-vm-disk", { ...ROOT_DISK, protect: true }),
    ],
    breaks: volume("mir-vm-disk", ROOT_DISK),
    missing: { what: "a volume", stack: command({}), findings: 0 },
    // It reads options and names, which every preview knows.
    unknown: { stack: volume("data", { props: { name: UNKNOWN } }), findings: 1 },
    settings: { scratch: excepted(["data"], volume("data")) },
  },
  "acceleration-acknowledged": {
    holds: [lab(), beside()],
    breaks: [lab({ type: "qemu" })],
    missing: { what: "the type", stack: [beside({ type: undefined })], findings: 0 },
    unknown: { stack: [lab({ type: UNKNOWN })], waitsFor: /spec\.type/ },
    settings: { tcg: excepted(["mir"], [lab({ type: "qemu" })]) },
  },
  "no-qemu-commandline": {
    holds: [lab({ network: { mode: "user", sshPort: 22022 } }), beside()],
    breaks: written('<qemu:commandline><qemu:arg value="-s"/></qemu:commandline>'),
    missing: { what: "a stylesheet", stack: [beside({ xml: undefined })], findings: 0 },
    unknown: { stack: [beside({ xml: { xslt: UNKNOWN } })], waitsFor: /xml\.xslt/ },
    settings: { domains: excepted(["web"], written('<qemu:arg value="-s"/>')) },
  },
  confined: {
    holds: [lab(), ...written('<seclabel model="dac"><label>+64055:+64055</label></seclabel>')],
    breaks: written('<seclabel type="none"/>'),
    missing: { what: "a label", stack: [beside({ xml: undefined })], findings: 0 },
    unknown: { stack: [beside({ xml: { xslt: UNKNOWN } })], waitsFor: /xml\.xslt/ },
    settings: {},
  },
  "known-vulnerable": {
    holds: [lab()],
    breaks: share({ readonly: false }),
    missing: { what: "a share", stack: [lab({ share: undefined })], findings: 0 },
    unknown: { stack: share({ readonly: UNKNOWN }), waitsFor: /spec\.share\.readonly/ },
    settings: {
      acknowledged: excepted(
        [{ id: "CVE-2026-93834", until: "2999-12-31" }],
        share({ readonly: false }),
      ),
    },
  },
  "guest-size-limits": {
    holds: [lab(), ...disk(12)],
    breaks: [lab({ memoryMiB: 32_768 })],
    missing: { what: "a size, as the provider's are small", stack: [beside()], findings: 0 },
    unknown: { stack: [beside({ memory: UNKNOWN })], waitsFor: /memory/ },
    settings: {
      maxMemoryMiB: limit(1024),
      maxVcpus: limit(1),
      maxDiskGiB: limit(8, disk(12)),
    },
  },
  "names-and-labels": {
    holds: [lab(), beside()],
    breaks: [beside({ name: "web" })],
    missing: {
      what: "a name",
      ...{ stack: [named("libvirt:index/network:Network", "net", {})], findings: 1 },
    },
    unknown: { stack: [named(DOMAIN, "web", { name: UNKNOWN })], waitsFor: /name/ },
    settings: {},
  },
};

/** The cases that a policy lacks, in words; empty: none. */
export function lacking(
  { name, configSchema }: (typeof POLICIES)[number],
  cases = CASES,
): string[] {
  const own = cases[name];
  if (own === undefined)
    return [`${name}: found no cases; need five; fix: add them to test/policy/cases.ts`];
  const keys = Object.keys(configSchema?.properties ?? {});
  const fault = (what: string): string => `${name}: ${what}; fix: correct test/policy/cases.ts`;
  return [
    ...(["holds", "breaks"] as const).flatMap((part) =>
      own[part].length > 0 ? [] : [fault(`found nothing in ${part}; need a resource`)],
    ),
    ...(["missing", "unknown"] as const).flatMap((part) =>
      own[part].stack.length > 0 ? [] : [fault(`found nothing in ${part}; need a resource`)],
    ),
    ...((own.unknown.waitsFor === undefined) === (own.unknown.findings === undefined)
      ? [fault("found both or none of waitsFor and findings in unknown; need one")]
      : []),
    ...(JSON.stringify(own.unknown.stack).includes(UNKNOWN)
      ? []
      : [fault("found nothing unknown in unknown; need UNKNOWN")]),
    ...keys
      .filter((key) => !Object.hasOwn(own.settings, key))
      .map((key) => fault(`found no case of its setting ${key}; need one`)),
    ...Object.entries(own.settings).flatMap(([key, setting]) => [
      ...(keys.includes(key)
        ? []
        : [fault(`found a case of ${key}; need a setting of the policy`)]),
      ...(setting.with !== setting.without
        ? []
        : [fault(`found no difference by ${key}; need one`)]),
    ]),
  ];
}
