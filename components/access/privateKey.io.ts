/** Private keys that the user brings: every client of the lab has to be able to use them. */
import { existsSync } from "node:fs";
import { run } from "../../core/exec.io";
import { shellWord } from "../../core/quote";
import { GuestConfig, Lab } from "../../config/schema";
import { Finding } from "../host/checks/finding";

/** Three clients use a key: OpenSSH, @pulumi/command and the libvirt provider. Only OpenSSH asks an agent. */
const REQUIRED = "a private key file without a passphrase: Pulumi's plugins cannot ask for one";

interface KeyFile {
  /** Configuration key. */
  readonly path: string;
  readonly file: string;
}

const adopted = (guest: GuestConfig, i: number): KeyFile[] =>
  guest.image.source === "existing"
    ? [{ path: `guests[${i}].image.ssh.privateKeyFile`, file: guest.image.ssh.privateKeyFile }]
    : [];

/** One finding for each key that the configuration names. Reads the files, and changes nothing. */
export function keyFindings(lab: Lab): Promise<Finding[]> {
  const { ssh } = lab.host;
  const files: KeyFile[] = [
    ...(ssh === undefined ? [] : [{ path: "host.ssh.privateKeyFile", file: ssh.privateKeyFile }]),
    ...lab.guests.flatMap(adopted),
  ];
  return Promise.all(files.map(judged));
}

async function judged({ path, file }: KeyFile): Promise<Finding> {
  const base = { id: "ssh-key", group: "machine", path, required: REQUIRED } as const;
  const own = `ssh-keygen -t ed25519 -N '' -f ${shellWord(`${file}-lab`)}`;
  const fail = (found: string, fix: string): Finding => ({ ...base, severity: "fail", found, fix });
  if (!existsSync(file))
    return fail(`no file ${file}`, `${own}, add its public half to authorized_keys, and name it`);
  const asked = await run(["ssh-keygen", "-y", "-P", "", "-f", file]);
  if (asked.code === -1)
    return { ...base, severity: "ok", found: `${file}, not looked at: no ssh-keygen`, fix: "" };
  if (asked.code !== 0) {
    return /incorrect passphrase/i.test(asked.stderr)
      ? fail(
          `${file} with a passphrase, which an agent does not replace here`,
          `a key of the lab's own: ${own}, add its public half to authorized_keys, and name it`,
        )
      : fail(
          `${file}, which is no private key (${asked.stderr.trim().split("\n").at(-1) ?? ""})`,
          "name the private half, without .pub, readable by you alone",
        );
  }
  const [type = ""] = asked.stdout.toString().split(" ");
  return type.startsWith("sk-")
    ? fail(`${file} of a security key (${type})`, `a key of the lab's own: ${own}`)
    : { ...base, severity: "ok", found: `${file} (${type})`, fix: "" };
}
