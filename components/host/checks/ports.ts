/** Ports that the configuration names: free, or the lab's own. Pure. */
import { Lab } from "../../../config/schema";
import { domainName, HostCheck, Judged } from "./finding";

export interface WantedPort {
  readonly port: number;
  readonly path: string;
  readonly guest: Lab["guests"][number];
}

/** The host ports that the configuration sets for guests. */
export function wantedPorts(lab: Lab): WantedPort[] {
  return lab.guests.flatMap((guest, i) => {
    if (guest.image.source === "existing") return [];
    const keys = [
      ["spice.port", guest.spice.port],
      ["network.sshPort", guest.network.sshPort],
    ] as const;
    return keys.flatMap(([key, port]) =>
      port === undefined ? [] : [{ port, path: `guests[${i}].${key}`, guest }],
    );
  });
}

export const PORT_CHECKS: readonly HostCheck[] = [
  {
    id: "port",
    group: "ports",
    judge: (facts, lab, stack) =>
      wantedPorts(lab).map(({ port, path, guest }): Judged => {
        const base = { path, required: "a free port", fix: `set ${path} to another port` };
        const fact = facts.ports.find((p) => p.port === port);
        if (fact === undefined) {
          const found = `port ${port} (not checked: package iproute2 is missing)`;
          return { ...base, severity: "info", found };
        }
        const { owner, holder } = fact;
        const ours = owner === `${stack}.${guest.name}`;
        if (owner !== undefined && !ours) {
          return { ...base, severity: "fail", found: `port ${port} reserved by ${owner}` };
        }
        const runs = facts.running.includes(domainName(guest, stack));
        if (holder === undefined || (ours && runs)) {
          const found = `port ${port}, ${ours ? "this guest's own" : "free"}`;
          return { ...base, severity: "ok", found };
        }
        const found = `port ${port} in use by ${holder}`;
        return { ...base, severity: "fail", found, fix: `${base.fix}, or end that process` };
      }),
  },
];
