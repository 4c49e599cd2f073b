/** Checks of the guest's graphics card, of Mesa, and of Mir's platform. */
import { GuestFacts } from "../../guest/facts";
import { Card, CARDS } from "../../../config/video";
import { upstreamVersion } from "../../../core/requirement";
import { atLeast } from "./boot";
import { byFacts, Check, unknownFact, Wanted } from "./check";
import { met, metIf, Outcome, skipped, unmet } from "../../../core/verdict";
import { HARNESS_FAULTS, isKnownRenderer, isSoftware, missingModules } from "./known";

/** The declared card. */
const declared = ({ video = "qxl" }: Wanted): Card => CARDS[video];

/** The guest's card of the declared model, else its first one. */
const cardOf = (facts: GuestFacts, wanted: Wanted) =>
  facts.cards?.find((card) => card.pciId === declared(wanted).pciId) ?? facts.cards?.[0];

/** Upstream version of the running Mir, else of the installed one. */
function mirVersion(facts: GuestFacts): string | undefined {
  const running = /\(version (\S+?)\)/.exec(facts.mirPlatform ?? "")?.[1];
  return upstreamVersion(running ?? facts.mir ?? "");
}

/** The outcome of one of Mir's own tests. */
/** A desktop's login screen is a display server of its own: only one has the card. */
export const heldBy = (displayManager: string): { remedy: string; settles: false } => ({
  remedy: `run 'systemctl disable --now ${displayManager}' in the guest, then 'up'; 'systemctl enable --now ${displayManager}' gives the desktop back`,
  settles: false,
});

export function ownTest(facts: GuestFacts, name: "harness" | "smoke" | "compositor"): Outcome {
  if (facts.tests === null) {
    return facts.mir === null
      ? skipped("mir-test-tools is not installed in the guest")
      : unknownFact(facts, "tests");
  }
  const result = facts.tests[name];
  if (result === undefined) return skipped("the guest does not have this test");
  if (!facts.tests.fresh) {
    // A starting session runs the tests first.
    const settles = facts.session === "activating" || facts.unit?.queued === true;
    return unmet("a result from before kernel, Mesa or Mir changed", { settles });
  }
  if (result.code === 0) return met("PASS");
  const fault = HARNESS_FAULTS.find(({ says }) => result.said.includes(says));
  if (fault !== undefined) return skipped(`${fault.means} ('${fault.says}')`);
  const { displayManager } = facts;
  return displayManager === null
    ? unmet(`exit code ${result.code}: ${result.said}`)
    : unmet(`the screen, held by ${displayManager}`, heldBy(displayManager));
}

/** For a domain with another card: another kernel would not help. */
const otherCard = ({ video = "qxl" }: Wanted): string =>
  `make the domain's video ${video === "qxl" ? "QXL" : video} again: 'preview' reports the edit, and 'up' repairs it unless ` +
  "guests[].onDrift is 'report'";

export const GRAPHICS: readonly Check[] = [
  {
    id: "kernel-qxl",
    description: "Can the kernel drive a QXL card?",
    page: 41,
    probe: "`CONFIG_DRM_QXL` in the running kernel's configuration",
    required: "CONFIG_DRM_QXL=y or m",
    remedy:
      "boot a kernel with CONFIG_DRM_QXL (on Debian linux-image-amd64, not linux-image-cloud-amd64, which has no DRM)",
    fatal: true,
    settles: false,
    judge: byFacts((facts, wanted) => {
      if (declared(wanted) !== CARDS.qxl) return skipped(`the card is declared as ${wanted.video}`);
      const value = facts.kernelConfig?.DRM_QXL;
      if (value !== undefined) return metIf(/^[ym]$/.test(value), value);
      return cardOf(facts, wanted)?.driver === "qxl"
        ? met("no configuration file, but the driver is bound")
        : unmet("no configuration file, and no driver that is bound");
    }),
  },
  {
    id: "drm",
    description: "Is the kernel's driver bound to the declared card, by default QXL?",
    page: 32,
    probe: "`/sys/class/drm/card*/device`: driver, vendor and device",
    required: (wanted) => {
      const { module, pciId } = declared(wanted);
      return `${module} bound to a card ${pciId} in /dev/dri`;
    },
    remedy: (wanted) => {
      const { module, symbol } = declared(wanted);
      return `boot a kernel with CONFIG_${symbol} (Debian: linux-image-amd64, not linux-image-cloud-amd64; Ubuntu: install linux-modules-extra-$(uname -r)), without ${module} blacklisted and without 'nomodeset'`;
    },
    fatal: true,
    settles: false,
    judge: byFacts((facts, wanted) => {
      if (facts.cards === null) return unknownFact(facts, "drm");
      const { drivers, pciId } = declared(wanted);
      const card = cardOf(facts, wanted);
      if (card === undefined) return unmet("no card");
      const found = `${card.driver ?? "no driver"} on ${card.pciId ?? "a card without PCI id"}`;
      if (card.pciId !== null && card.pciId !== pciId)
        return unmet(found, { remedy: otherCard(wanted) });
      return metIf(drivers.includes(card.driver ?? "") && card.pciId === pciId, found);
    }),
  },
  {
    // Measured on Linux 6.1.0-56-amd64 (Debian 12), QEMU 7.2: the ioctl reports import and export.
    // A dumb buffer can be exported as a dma-buf and imported by a second open of the card; mmap of
    // it, and both directions between qxl and vgem, fail with ENOSYS. Mir 2.12 needs only the
    // first. So the check needs the capability, and says nothing about buffers of other devices.
    id: "prime",
    description: "Can the card export and import buffers as dma-buf file descriptors?",
    page: 43,
    probe: "ioctl `DRM_CAP_PRIME` on the card's node",
    required: "PRIME import and export",
    remedy: "boot Linux 3.18 or newer: older versions have no dma-buf in QXL",
    fatal: true,
    settles: false,
    needs: ["drm"],
    judge: byFacts((facts, wanted) => {
      if (facts.cards === null) return unknownFact(facts, "drm");
      const card = cardOf(facts, wanted);
      if (card === undefined) return unmet("no card");
      const { primeImport, primeExport } = card;
      const can = [...(primeImport ? ["import"] : []), ...(primeExport ? ["export"] : [])];
      return metIf(primeImport && primeExport, can.length === 0 ? "neither" : can.join(" and "));
    }),
  },
  {
    id: "display",
    description: "Does the card have a connected screen with a mode?",
    page: 43,
    probe: "`/sys/class/drm/card*-*`: status and modes; ioctl `DRM_IOCTL_MODE_GETRESOURCES`: crtcs",
    required: ({ outputs = [] }) =>
      outputs.length < 2
        ? "a connected connector with a mode, and a crtc"
        : `${outputs.length} connected connectors with a mode, and as many crtcs`,
    remedy:
      "give the domain's video at least one head, and plug in what 'lab output' has unplugged; 'cat /sys/class/drm/*/status' in the guest shows the connectors",
    fatal: true,
    settles: true,
    needs: ["drm"],
    judge: byFacts((facts, wanted) => {
      if (facts.cards === null) return unknownFact(facts, "drm");
      const card = cardOf(facts, wanted);
      if (card === undefined) return unmet("no card", { settles: false });
      const lit = card.connectors.filter((c) => c.status === "connected" && c.modes > 0);
      if (lit.length === 0) return unmet("no connected connector with a mode");
      const found = lit.map(({ name, modes }) => `${name} with ${modes} modes`).join(", ");
      const needed = wanted.outputs?.length ?? 1;
      return metIf(lit.length >= needed && card.crtcs >= needed, `${found}, ${card.crtcs} crtcs`);
    }),
  },
  {
    id: "gles",
    description: "Does EGL on GBM give a GLESv2 context?",
    page: 46,
    probe: "EGL on the card by GBM, as Mir does: a context is created and made current",
    required: "an OpenGL ES 2 or newer context",
    remedy:
      "install libgl1-mesa-dri and libgbm1 in the guest, with --reinstall if their files are missing; 'eglinfo' in the guest shows what is missing",
    fatal: true,
    settles: false,
    needs: ["drm"],
    judge: byFacts((facts) =>
      facts.gles === null
        ? unknownFact(facts, "egl")
        : metIf(Number(/OpenGL ES (\d+)\./.exec(facts.gles)?.[1] ?? 0) >= 2, facts.gles),
    ),
  },
  {
    id: "mesa",
    description: "Is the Mesa that programs load new enough?",
    page: 43,
    probe: "the version that a GLES context of the guest's libEGL reports",
    required: ({ gates }) => gates.mesa,
    remedy: "install a newer Mesa by guests[].mesa (docs/builds.md), or lower guests[].gates.mesa",
    fatal: true,
    settles: false,
    needs: ["drm", "gles"],
    judge: byFacts((facts, { gates }) =>
      facts.mesa === null
        ? unknownFact(facts, "egl")
        : metIf(atLeast(facts.mesa, gates.mesa), facts.mesa),
    ),
  },
  {
    id: "renderer",
    description: "Does Mesa draw with kms_swrast or a GPU driver?",
    page: 42,
    probe: "`GL_RENDERER` of that context, and its Mesa driver",
    required: "llvmpipe, softpipe or a GPU renderer of Mesa",
    remedy:
      "install libgl1-mesa-dri, which has kms_swrast (llvmpipe), in the guest, with --reinstall if its files are missing",
    fatal: true,
    settles: false,
    needs: ["drm", "gles"],
    judge: byFacts((facts) =>
      facts.renderer === null
        ? unknownFact(facts, "egl")
        : metIf(
            isKnownRenderer(facts.renderer),
            `${facts.renderer === "" ? "no name" : facts.renderer} by ${facts.mesaDriver ?? "an unknown driver"}`,
          ),
    ),
  },
  {
    id: "mir-platform",
    description: "Does this version of Mir have the platform modules that it needs here?",
    page: 56,
    probe:
      "file names in `mir/server-platform`, against the table in components/readiness/checks/known.ts",
    required: "the modules that this Mir needs on this renderer",
    remedy: "install mir-platform-graphics-gbm-kms in the guest",
    fatal: true,
    settles: false,
    judge: byFacts((facts) => {
      if (facts.mirPlatforms === null) return unknownFact(facts, "platforms");
      const version = mirVersion(facts);
      if (version === undefined) return skipped("the guest does not tell which Mir it has");
      const software = isSoftware(facts.renderer ?? "");
      const missing = missingModules(version, software, facts.mirPlatforms);
      const why = missing.map(({ module }) => `no ${module}*`).join(", ");
      return missing.length === 0
        ? met(`Mir ${version} with ${facts.mirPlatforms.join(", ")}`)
        : unmet(`Mir ${version} with ${why}`, {
            remedy: missing.map(({ remedy }) => remedy).join("; "),
          });
    }),
  },
  {
    id: "harness",
    description: "Does Mir's own test of its platform pass?",
    page: 56,
    probe: "`mir_platform_graphics_test_harness`, before the session takes the card",
    required: "PASS with the installed kernel, Mesa and Mir",
    remedy:
      "run 'systemctl restart mir-session' in the guest to repeat the test; log: /var/lib/mir-session/tests/harness.log",
    fatal: true,
    settles: false,
    needs: ["drm", "gles"],
    judge: byFacts((facts) => ownTest(facts, "harness")),
  },
];
