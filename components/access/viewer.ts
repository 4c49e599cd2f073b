/** What a viewer needs to connect. Pure. */
import { isIPv6 } from "node:net";
import { LOOPBACK } from "../../config/screen";

/** How to reach a guest's screen. */
export interface Screen {
  /** Window title. */
  readonly title: string;
  readonly port: number;
  /** Address for a viewer; unset: loopback of the lab host. */
  readonly address?: string;
  /** Speaks TLS only; this is the subject of its certificate. */
  readonly subject?: string;
}

const line = (text: string): string => text.replaceAll(/[^ -~]/g, "");

/** A virt-viewer connection file (`remote-viewer FILE`). Secret. `authority`: PEM, with TLS. */
export function viewerFile(screen: Screen, ticket: string, authority?: string): string {
  const { title, port, address = LOOPBACK, subject } = screen;
  const tls =
    subject === undefined || authority === undefined
      ? [`port=${port}`]
      : [
          ...[`tls-port=${port}`, `host-subject=${line(subject)}`],
          `ca=${authority.trim().replaceAll("\n", "\\n")}`,
        ];
  return [
    ...["[virt-viewer]", "type=spice", `host=${line(address)}`, ...tls, `password=${ticket}`],
    ...[`title=${line(title)}`, "fullscreen=0", ""],
  ].join("\n");
}

export function spiceUri({ port, address = LOOPBACK, subject }: Omit<Screen, "title">): string {
  const scheme = subject === undefined ? "spice" : "spice+tls";
  return `${scheme}://${isIPv6(address) ? `[${address}]` : address}:${port}`;
}
