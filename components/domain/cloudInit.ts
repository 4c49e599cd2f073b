/** The guest's first-boot documents, for cloud-init's NoCloud source. Pure. */
import { createHash } from "node:crypto";
import { stringify } from "yaml";

/** The account in the guest: key login only, passwordless sudo. */
export const GUEST_USER = "mir";

/** The account's supplementary groups: screen, renderer and input devices. */
export const GUEST_GROUPS: readonly string[] = ["video", "render", "input"];

export interface FirstBoot {
  /** Host name of the guest. */
  readonly hostname: string;
  /** One `authorized_keys` line. */
  readonly clientPublicKey: string;
  /** The guest's own ed25519 SSH host key, OpenSSH PEM. Secret. */
  readonly hostPrivateKey: string;
  readonly hostPublicKey: string;
  /** Packages that the image lacks; installed at first boot. */
  readonly packages: readonly string[];
}

/**
 * cloud-init reads YAML 1.1, where bare `on`, `no` or `2024-01-01` are not strings: quote by its rules.
 */
const YAML = { lineWidth: 0, version: "1.1" } as const;

/** Text that PyYAML, the reader in the guest, reads differently; nothing here needs it. */
const UNLIKE = /[^\n -~]|^(?:<<|=)$/;

function checked<T>(document: T): T {
  const wrong = texts(document).flatMap((text) => UNLIKE.exec(text)?.[0] ?? []);
  if (wrong.length === 0) return document;
  const found = JSON.stringify(wrong[0]);
  throw new Error(
    `first boot: found the text ${found}; need printable ASCII, neither '<<' nor '='`,
  );
}

function texts(node: unknown): string[] {
  if (typeof node === "string") return [node];
  return typeof node === "object" && node !== null ? Object.values(node).flatMap(texts) : [];
}

/** A file in the guest: a first boot was completed, and is on the disk. */
const DONE = "/var/lib/cloud/instance/mirlab-first-boot-done";

/**
 * cloud-init records that a module ran before it runs the module. After a power cut in the first boot, the account
 * would never get its key. So each boot removes these records until a first boot was completed. An image of the lab
 * has a unit that removes all of cloud-init's records instead: those of the user data are made before `bootcmd` runs.
 */
const FIRST_BOOT = {
  bootcmd: [`test -e ${DONE} || rm -f /var/lib/cloud/instance/sem/config_*`],
  runcmd: [`sync && touch ${DONE}`],
};

/** `#cloud-config` user data: the account and the keys. No login by password. */
export function userData(boot: FirstBoot): string {
  const document = {
    ...FIRST_BOOT,
    hostname: boot.hostname,
    preserve_hostname: false,
    manage_etc_hosts: true,
    disable_root: true,
    ssh_pwauth: false,
    ssh_deletekeys: true,
    // Given keys are the guest's only ones: cloud-init then generates none.
    ssh_keys: { ed25519_private: boot.hostPrivateKey, ed25519_public: boot.hostPublicKey },
    users: [
      {
        name: GUEST_USER,
        shell: "/bin/bash",
        lock_passwd: true,
        groups: [...GUEST_GROUPS],
        // A string: the schema of Debian 12 knows no list here.
        sudo: "ALL=(ALL) NOPASSWD:ALL",
        ssh_authorized_keys: [boot.clientPublicKey],
      },
    ],
    ...(boot.packages.length > 0 ? { package_update: true, packages: [...boot.packages] } : {}),
  };
  return `#cloud-config\n${stringify(checked(document), YAML)}`;
}

/** Meta data. Changed user data changes the instance id, so that cloud-init runs it again. */
export function metaData(hostname: string, user: string): string {
  const hash = createHash("sha256").update(user).digest("hex").slice(0, 16);
  const document = { "instance-id": `${hostname}-${hash}`, "local-hostname": hostname };
  return stringify(checked(document), YAML);
}
