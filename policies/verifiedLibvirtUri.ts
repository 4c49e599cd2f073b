import { resourcePolicy } from "./kit";

/** Query keys of the provider's and libvirt's URIs that disable a protection. */
const LOOSE: readonly (readonly [key: string, value: RegExp, fix: string])[] = [
  ["no_verify", /.*/, "drop it, as any value disables the check"],
  ["known_hosts_verify", /^(ignore|auto)$/, "drop it, and give knownhosts a file"],
  ["knownhosts", /^\/dev\/null$/, "give it a file with the host's key"],
  [
    "sshauth",
    /ssh-password/,
    "use privkey with keyfile, or agent, as the password would be in the URI",
  ],
];

export const verifiedLibvirtUri = resourcePolicy(
  {
    name: "no-plain-or-unverified-libvirt-uri",
    description: "libvirt is reached locally, by TLS, or by SSH with the host's key verified.",
    severity: "critical",
    enforcementLevel: "mandatory",
    why: "libvirt's socket gives root's rights on its host.",
    remediationSteps:
      "Use qemu:///system, or host.ssh of the lab, which pins the host's key for libvirt too.",
  },
  ({ type, props, name }, report) => {
    if (type !== "pulumi:providers:libvirt") return;
    const { uri = "" } = props as { uri?: string };
    for (const [found, fix] of faults(uri)) {
      report({ what: `provider '${name}'`, found, need: "a verified connection to libvirt", fix });
    }
  },
);

function faults(uri: string): [found: string, fix: string][] {
  if (uri === "") return [["no uri", "set it, e.g. qemu:///system"]];
  if (!URL.canParse(uri)) return [[`'${uri}', which is not a URI`, "use e.g. qemu:///system"]];
  const { protocol, searchParams, password } = new URL(uri);
  const transport = protocol.replace(/:$/, "").split("+")[1] ?? "";
  return [
    ...(transport === "tcp" ? [["plain tcp", "use qemu+ssh or qemu+tls"] as [string, string]] : []),
    ...(password === "" ? [] : [["a password in the URI", "use keyfile"] as [string, string]]),
    ...LOOSE.flatMap(([key, value, fix]): [string, string][] =>
      searchParams.getAll(key).some((text) => value.test(text))
        ? [[`${key}=${searchParams.get(key) ?? ""}`, fix]]
        : [],
    ),
  ];
}
