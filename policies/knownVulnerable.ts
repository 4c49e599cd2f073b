import { ADVISORIES, Advisory, Concern } from "../components/host/advisories";
import type { DomainParts } from "../components/domain/declaredParts";
import { domainPolicy } from "./kit";

interface Acknowledgement {
  readonly id: string;
  /** Last day, YYYY-MM-DD. */
  readonly until: string;
}

const CONCERNS: Readonly<Record<Concern, (domain: DomainParts) => boolean>> = {
  // No input shows the versions on the host: the doctor checks them.
  "every-lab": () => false,
  qxl: ({ videos }) => videos.some(({ model }) => model === "qxl"),
  "writable-share": ({ shares }) => shares.some((share) => !share.readonly && !share.virtiofs),
  "user-network": ({ userNetwork }) => userNetwork,
};

/** Verified, and without a fix in Debian 12, the oldest release that hosts run: no input shows the host's. */
const isOpen = ({ status, fixedIn }: Advisory): boolean =>
  status === "verified" && fixedIn?.bookworm === undefined;

export const knownVulnerable = domainPolicy<{
  readonly acknowledged: readonly Acknowledgement[];
}>(
  {
    name: "known-vulnerable",
    description: "A guest uses no part with a known open vulnerability, unless it is acknowledged.",
    severity: "high",
    enforcementLevel: "advisory",
    why: "The page's own setup, 9p, has a vulnerability that Debian 12 does not fix, so a mandatory policy would stop every lab. Make it mandatory where guests are not trusted: then each vulnerability has to be acknowledged.",
    remediationSteps:
      "Do as the message says, or acknowledge the CVE with the last day on which you accept the risk.",
    config: {
      acknowledged: {
        type: "array",
        items: {
          type: "object",
          properties: {
            id: { type: "string", pattern: "^CVE-\\d{4}-\\d{4,}$" },
            until: { type: "string", pattern: "^\\d{4}-\\d{2}-\\d{2}$" },
          },
          required: ["id", "until"],
          additionalProperties: false,
        },
        default: [],
        description:
          'Accepted vulnerabilities, each with its last day: `{ "id": "CVE-...", "until": "2027-01-31" }`.',
      },
    },
  },
  (domain, report, { acknowledged }) => {
    const today = new Date().toISOString().slice(0, 10);
    for (const { id, concern, meaning, fix, fixedUpstream, part } of ADVISORIES.filter(isOpen)) {
      if (!CONCERNS[concern](domain)) continue;
      const until = acknowledged.find((a) => a.id === id)?.until;
      if (until !== undefined && until >= today) continue;
      const fixed = fixedUpstream === undefined ? "" : ` (fixed in ${part} ${fixedUpstream})`;
      const ended = until === undefined ? "" : `, acknowledged until ${until}`;
      report({
        what: `guest '${domain.name}'`,
        found: `${id}${ended}: ${meaning}${fixed}`,
        need: "it fixed or acknowledged",
        fix: `${fix}, or add { "id": "${id}", "until": "YYYY-MM-DD" } to acknowledged of this policy`,
      });
    }
  },
);
