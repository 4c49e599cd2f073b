/** What each kind of session needs in the guest. Pure data. */
import { GuestConfig } from "./schema";
import { SuiteName } from "./suites";

type Session = GuestConfig["session"];

/**
 * Least memory of a guest with Lomiri, MiB: the smallest value that was tested, and the value of
 * NixOS' Lomiri tests. Measured at 3072: after the first frame the whole guest used 518, plus 400
 * of page cache (docs/lomiri.md).
 */
export const LOMIRI_MEMORY_MIB = 2048;

/** Debian packages of each kind, in addition to those of every guest. */
const SESSION_PACKAGES: Record<Session["kind"], readonly string[]> = {
  demo: [],
  command: [],
  lomiri: ["lomiri-desktop-session"],
  miriway: ["miriway"],
};

/**
 * Packages that a suite's session needs and its own packages only recommend, or forget (trixie's qtmir: Qt's plugin for
 * Wayland): images have no recommended packages. Without its plugin or its language the on-screen keyboard crashes, and
 * from Lomiri 0.5 the shell goes down with it (seen on 2026-12-04).
 */
const RECOMMENDED: Partial<Record<SuiteName, Partial<Record<Session["kind"], readonly string[]>>>> =
  {
    trixie: { lomiri: ["qtwayland5", "lomiri-keyboard-english"] },
    forky: { lomiri: ["qt6-wayland", "lomiri-keyboard-english"] },
    sid: { lomiri: ["qt6-wayland", "lomiri-keyboard-english"] },
  };

/** Pixels of the output on platform virtual: those of Mir's own first mode on QXL. */
const VIRTUAL_OUTPUT = "1280x1024";

/** How the server gets the screen. */
export const consoleOf = ({ kind, console }: Session): "vt" | "logind" =>
  console ?? (kind === "miriway" ? "logind" : "vt");

/** Options of Mir that a configuration chooses, by key; a default is none. */
export function chosenOptions(
  session: Session,
): Partial<Record<"platform" | "rendering" | "cursor", string>> {
  const { platform, rendering, cursor } = session;
  return {
    ...(platform === "gbm-kms" ? {} : { platform }),
    ...(rendering === "auto" ? {} : { rendering }),
    ...(cursor === "hardware" ? {} : { cursor }),
  };
}

/** Command line options of the kind's own server; empty: those that session.sh has by itself. */
export function mirOptions(session: Session): string[] {
  const { platform, rendering, cursor } = session;
  const logind = consoleOf(session) === "logind";
  if (Object.keys(chosenOptions(session)).length === 0 && !logind) return [];
  return [
    ...(platform === "auto" ? [] : [`--platform-display-libs=mir:${platform}`]),
    ...(platform === "virtual" ? [`--virtual-output=${VIRTUAL_OUTPUT}`] : []),
    ...(rendering === "auto" ? [] : [`--platform-rendering-libs=mir:${rendering}`]),
    ...(logind ? ["--console-provider=logind"] : ["--console-provider=vt", "--vt=1"]),
    ...(cursor === "hardware" ? [] : ["--cursor=software"]),
  ];
}

/** The given packages and those of the session, each once; without a suite they bring what they recommend. */
export function withSessionPackages(
  packages: readonly string[],
  session: Session,
  suite?: SuiteName,
): string[] {
  const { kind, platform } = session;
  const own = {
    "atomic-kms": ["mir-platform-graphics-atomic-kms"],
    virtual: ["mir-platform-graphics-virtual", "grim"],
    ...{ auto: [], "gbm-kms": [] },
  }[platform];
  const login = consoleOf(session) === "logind" ? ["libpam-systemd"] : [];
  const recommended = (suite && RECOMMENDED[suite]?.[kind]) ?? [];
  return [...new Set([...packages, ...SESSION_PACKAGES[kind], ...recommended, ...own, ...login])];
}
