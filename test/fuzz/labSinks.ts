/** The lab's configuration, and the places that get its values unchanged. */
import { isIPv6 } from "node:net";
import { isDeepStrictEqual } from "node:util";
import { domainXml, DomainSpec } from "../../components/domain/definition";
import { readLabTexts } from "../../config/lab";
import { GuestConfig, Lab } from "../../config/schema";
import { libvirtUri } from "../../components/host/libvirtUri";
import { macAddress } from "../../components/domain/mac";
import { screenPlace } from "../../config/screen";
import { SshHost } from "../../core/sshConfig";
import { spiceUri } from "../../components/access/viewer";
import { hostileWord, near } from "./hostile";
import { anyLab, nearLab } from "./labs";
import { areDomains, LACKS_LIBVIRT_SCHEMA, LACKS_PYTHON, PythonUri, readUris } from "./readers";
import { accepted, each, Sink } from "./sink";

/** The lab of a case, or undefined if it has faults. */
const labOf = (text: string): Lab | undefined =>
  readLabTexts(JSON.parse(text) as Record<string, string>).lab;

/** Printable, without characters that are special in shell, XML, YAML, option lists or logs. */
const WORD = /^[!#-&(-[\]-_a-~]*$/;
const PRINTABLE = /^[ -~]*$/;
/** Always passed as one argument, so only control characters are refused. */
// eslint-disable-next-line no-control-regex -- control characters are what is refused here
const ARGUMENT = /^[^\u0000-\u001f\u007f]*$/;

/** Whether a value has only the characters that are allowed at its path. */
function isFit(path: string, value: string): boolean {
  if (/\.session\.(command|client)\./.test(path))
    return ARGUMENT.test(value) && value.isWellFormed();
  // What libvirt lists, and may be in any script.
  if (/\.image\.domain$/.test(path)) return !value.includes("/") && ARGUMENT.test(value);
  // Paths of the user's own files and folders, in any script.
  if (/\.share\.path$/.test(path)) return !/["|*?[\]{}^\\$]/.test(value) && ARGUMENT.test(value);
  if (/\.(privateKeyFile|deb|file)$|\.fragments\.\d+$/.test(path))
    return !/["\\$]/.test(value) && ARGUMENT.test(value) && value.isWellFormed();
  if (/\.hostKey$|\.gates\.(kernel|mesa)$/.test(path)) return PRINTABLE.test(value);
  return WORD.test(value);
}

/** Every text in a value, with its path. */
function textsOf(value: unknown, path = ""): (readonly [path: string, text: string])[] {
  if (typeof value === "string") return [[path, value]];
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) => textsOf(inner, `${path}.${key}`));
}

function labEscapes(text: string): boolean {
  try {
    const { lab, faults } = readLabTexts(JSON.parse(text) as Record<string, string>);
    if (lab !== undefined) return textsOf(lab).some(([path, value]) => !isFit(path, value));
    // eslint-disable-next-line no-control-regex -- control characters are what is looked for
    const odd = /[\u0000-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/;
    return (
      faults.length === 0 ||
      faults.some(({ path, reason }) => reason === "" || odd.test(path + reason))
    );
  } catch {
    return true;
  }
}

/** The spec of a guest's domain, built like in components/lab/newMachine.resource.ts. */
function specOf({ host }: Lab, guest: GuestConfig): DomainSpec {
  const { name, memoryMiB, vcpus, video, spice, network, share } = guest;
  const folder = `${host.dataDir}/dev`;
  const port = spice.port ?? 22001;
  return {
    ...{ name: `mirlab-dev-${name}`, stack: "dev", guest: name, type: "qemu", memoryMiB, vcpus },
    ...{ mac: macAddress("dev", name), video, disk: `${folder}/pool/${name}.qcow2` },
    ...{ seed: `${folder}/pool/${name}.iso`, serialLog: `${folder}/log/${name}.serial.log` },
    spice: {
      ...{ port, clipboard: spice.clipboard, fileTransfer: spice.fileTransfer },
      ...screenPlace(spice, "dev", name),
    },
    network:
      network.mode === "nat"
        ? { mode: "nat", name: "mirlab-dev" }
        : { mode: "user", sshPort: network.sshPort ?? 22022, closed: !network.outbound },
    share: {
      ...{ path: share.path ?? `${folder}/share`, tag: "share", readonly: share.readonly },
    },
  };
}

/** Parts of almost valid addresses of lab hosts and screens. */
const HOSTS = [
  ...[
    "lab",
    "lab.example",
    "10.0.0.5",
    "2001:db8::1",
    "::1",
    "fe80::1%eth0",
    "::ffff:1.2.3.4",
    ":",
  ],
  ...["[", "]", "@", "-oProxyCommand=x", ".", "1", "a:22", "/", "?no_verify=1", "#", "%", "user@"],
];
const JUMP: SshHost = {
  ...{ alias: "mirlab-host", hostName: "lab.example", port: 2222, user: "root" },
  ...{ identityFile: "/root/.ssh/id", knownHostsFile: "/root/known_hosts" },
};

/** The host's name if the schema accepts it. */
const hostOf = (text: string): string | undefined =>
  labOf(
    JSON.stringify({
      guests: JSON.stringify([{ name: "a" }]),
      host: JSON.stringify({
        ssh: { host: text, privateKeyFile: "/k", hostKey: `ssh-ed25519 ${"A".repeat(68)}` },
      }),
    }),
  )?.host.ssh?.host;

const withFolder = (folder: string): SshHost => ({
  ...JUMP,
  ...{ identityFile: `${folder}/id`, knownHostsFile: `${folder}/known_hosts` },
});

export const LAB_SINKS: readonly Sink[] = [
  {
    id: "the lab's configuration",
    escape:
      "neither a lab nor faults, a fault that is not plain text, or a value with forbidden characters",
    batch: 50,
    input: anyLab,
    takes: (text) => labOf(text) !== undefined,
    escaped: each(labEscapes),
  },
  {
    id: "a lab's domains, validated by libvirt's schema",
    escape: "a definition that libvirt's own schema refuses",
    batch: 100,
    input: nearLab,
    lacks: LACKS_LIBVIRT_SCHEMA,
    takes: (text) => labOf(text) !== undefined,
    escaped(cases) {
      const domains = cases.flatMap((text) => {
        const lab = labOf(text);
        return (lab?.guests ?? []).map((guest) => [
          text,
          domainXml(specOf(lab as Lab, guest), { ticket: "T" }),
        ]);
      });
      const valid = areDomains(domains.map(([, xml]) => xml ?? ""));
      return domains.filter((_, i) => !valid[i]).map(([text]) => text ?? "");
    },
  },
  {
    id: "libvirtUri with any folder, read by Python",
    escape: "another host or query than given, or a path that the provider would expand",
    batch: 100,
    input: hostileWord.map((text) => `/${text}`),
    lacks: LACKS_PYTHON,
    takes: (folder) => accepted(() => libvirtUri(withFolder(folder))) !== undefined,
    escaped(cases) {
      const fit = cases.filter(
        (folder) => accepted(() => libvirtUri(withFolder(folder))) !== undefined,
      );
      const read = readUris(fit.map((folder) => libvirtUri(withFolder(folder))));
      return fit.filter((folder, i) => {
        const query = [
          ["keyfile", `${folder}/id`],
          ["knownhosts", `${folder}/known_hosts`],
          ["sshauth", "privkey"],
        ];
        return (
          folder.includes("$") ||
          !isDeepStrictEqual(read[i], {
            ...{ scheme: "qemu+ssh", user: "root", host: "lab.example", port: 2222 },
            ...{ path: "/system", query },
          })
        );
      });
    },
  },
  {
    id: "libvirtUri and spiceUri with any host, read by Python",
    escape: "another host, user or port than given",
    batch: 100,
    input: near(HOSTS),
    lacks: LACKS_PYTHON,
    takes: (text) => hostOf(text) !== undefined,
    escaped(cases) {
      const fit = cases.filter((text) => hostOf(text) !== undefined);
      const [libvirt, spice] = [
        readUris(fit.map((hostName) => libvirtUri({ ...JUMP, hostName }))),
        readUris(fit.map((address) => spiceUri({ address, port: 5901, subject: "CN=a" }))),
      ];
      return fit.filter((text, i) => {
        const partsOf = (uri: PythonUri | null | undefined) => [
          ...[uri?.scheme, uri?.user, uri?.host, uri?.port, uri?.path],
        ];
        const host = text.toLowerCase();
        return !(
          (isIPv6(text) || !text.includes(":")) &&
          isDeepStrictEqual(partsOf(libvirt[i]), ["qemu+ssh", "root", host, 2222, "/system"]) &&
          isDeepStrictEqual(partsOf(spice[i]), ["spice+tls", null, host, 5901, ""])
        );
      });
    },
  },
];
