/** Generates docs/checks.md from the checks. */
import { CHECKS } from "../components/readiness/checks";
import { TieredCheck, Wanted } from "../components/readiness/checks/check";
import { HARNESS_FAULTS, MIR_RULES } from "../components/readiness/checks/known";
import { BAD_KERNELS } from "../config/known";
import { PAGE_FLOORS } from "../core/requirement";

/** The values of a guest with the default configuration, as the page prints them. */
const WANTED: Wanted = {
  gates: {
    kernel: `guests[].gates.kernel (${PAGE_FLOORS.kernel.text})`,
    mesa: `guests[].gates.mesa (${PAGE_FLOORS.mesa.text})`,
  },
  share: { path: "the share's folder", mount: "its mount point", readonly: false },
  picture: "the picture",
};

const TIERS = {
  boot: "The machine, its kernel and its first boot.",
  graphics: "The card, Mesa on it, and Mir's platform on both.",
  session: "The Mir server, its clients, what the screen shows, and the share.",
} as const;

const cell = (text: string): string => text.replaceAll("|", "\\|").replaceAll("<", "&lt;");

function row(check: TieredCheck): string {
  const text = (value: TieredCheck["required"]): string =>
    typeof value === "string" ? value : value(WANTED);
  const cells = [
    `[${check.id}](troubleshooting.md#${check.id})`,
    check.description,
    check.page === null ? "" : String(check.page),
    check.probe,
    text(check.required),
    check.fatal ? "yes" : "warning",
    text(check.remedy),
  ];
  return `| ${cells.map(cell).join(" | ")} |`;
}

function tier(name: keyof typeof TIERS): string[] {
  return [
    `## ${name}`,
    "",
    TIERS[name],
    "",
    "| id | question | line | probe | need | fatal | fix |",
    "|---|---|---|---|---|---|---|",
    ...CHECKS.filter((check) => check.tier === name).map(row),
    "",
  ];
}

/** The whole page. */
export function checksPage(): string {
  return [
    "# Checks of a guest",
    "",
    "Written by `npm run docs` from `components/readiness/checks`. `MirReadiness` runs all checks in every `up` that creates or updates it; a preview repeats those that need no key, no picture and no file in the share. One script, [scripts/guest/facts.py](../scripts/guest/facts.py), reports the guest's facts in one round trip.",
    "",
    "A fatal check that is not met fails the deploy: the state keeps the measurements, and the next `up` checks again. A warning is reported and recorded. A check that does not apply is skipped, with the reason. An unknown fact counts as not met. *line* is the line of the 2014 page that the check comes from.",
    "",
    ...tier("boot"),
    ...tier("graphics"),
    ...tier("session"),
    "## Known faults and rules",
    "",
    "The tables are in [components/readiness/checks/known.ts](../components/readiness/checks/known.ts) and [config/known.ts](../config/known.ts). The doctor and `up` name a row of Linux that the declaration alone shows, before anything is made.",
    "",
    "| about | versions | what | known since | source |",
    "|---|---|---|---|---|",
    ...BAD_KERNELS.map(
      (r) => `| Linux | ${r.from} up to ${r.before} | ${cell(r.what)} | ${r.known} | ${r.source} |`,
    ),
    ...MIR_RULES.map(
      (r) =>
        `| Mir | ${r.from} and newer | needs \`${r.module}*\`${r.software ? " where Mesa draws in software" : ""} | ${r.known} | ${r.source} |`,
    ),
    ...HARNESS_FAULTS.map(
      (r) => `| Mir's harness | any | "${r.says}": ${r.means} | ${r.known} | measured |`,
    ),
    "",
  ].join("\n");
}
