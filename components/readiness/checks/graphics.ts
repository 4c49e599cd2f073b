/** Checks of the guest's card, of Mesa on it, and of Mir's platform on both. */
import { GuestFacts } from "../../guest/facts";
import { upstreamVersion } from "../../../core/requirement";
import { atLeast } from "./boot";
import { byFacts, Check, untold } from "./check";
import { met, metIf, Outcome, skipped, unmet } from "../../../core/verdict";
import { HARNESS_FAULTS, isKnownRenderer, isSoftware, missingModules } from "./known";

/** PCI id of the page's "QXL as model". */
const QXL = "1b36:0100";

/** The QXL card, else the first one. */
const cardOf = (facts: GuestFacts) =>
  facts.cards?.find((card) => card.pciId === QXL) ?? facts.cards?.[0];

/** Upstream version of the Mir that runs, else of the one that is installed. */
function mirVersion(facts: GuestFacts): string | undefined {
  const running = /\(version (\S+?)\)/.exec(facts.mirPlatform ?? "")?.[1];
  return upstreamVersion(running ?? facts.mir ?? "");
}

/** How one of Mir's own tests ended. */
export function ownTest(facts: GuestFacts, name: "harness" | "client"): Outcome {
  if (facts.tests === null) {
    return facts.mir === null
      ? skipped("mir-test-tools is not installed in the guest")
      : untold(facts, "tests");
  }
  const result = facts.tests[name];
  if (result === undefined) return skipped("the guest does not have this test");
  if (!facts.tests.fresh) {
    // A session that starts has them run first.
    const settles = facts.session === "activating" || facts.unit?.queued === true;
    return unmet("a result from before kernel, Mesa or Mir changed", { settles });
  }
  if (result.code === 0) return met("PASS");
  const fault = HARNESS_FAULTS.find(({ says }) => result.said.includes(says));
  return fault !== undefined
    ? skipped(`${fault.means} ('${fault.says}')`)
    : unmet(`exit code ${result.code}: ${result.said}`);
}

/** The kernel cannot help it. */
const OTHER_CARD =
  "the guest was given another card: make the domain's video QXL again; a preview names what was " +
  "edited, and 'up' puts it right unless guests[].onDrift is 'report'";

export const GRAPHICS: readonly Check[] = [
  {
    id: "kernel-qxl",
    description: "Can the kernel drive a QXL card?",
    page: 41,
    probe: "`CONFIG_DRM_QXL` in the running kernel's configuration",
    required: "CONFIG_DRM_QXL=y or m",
    remedy:
      "boot a kernel with it: on Debian linux-image-amd64, not linux-image-cloud-amd64, which has no DRM",
    fatal: true,
    settles: false,
    judge: byFacts((facts) => {
      const value = facts.kernelConfig?.DRM_QXL;
      if (value !== undefined) return metIf(/^[ym]$/.test(value), value);
      return cardOf(facts)?.driver === "qxl"
        ? met("no configuration file, but the driver is bound")
        : unmet("no configuration file, and no driver that is bound");
    }),
  },
  {
    id: "drm",
    description: "Is the QXL driver bound to the QXL card?",
    page: 32,
    probe: "`/sys/class/drm/card*/device`: driver, vendor and device",
    required: `qxl bound to a card ${QXL} in /dev/dri`,
    remedy:
      "boot a kernel with CONFIG_DRM_QXL, without qxl blacklisted and without 'nomodeset': on Debian linux-image-amd64, not linux-image-cloud-amd64",
    fatal: true,
    settles: false,
    judge: byFacts((facts) => {
      if (facts.cards === null) return untold(facts, "drm");
      const card = cardOf(facts);
      if (card === undefined) return unmet("no card");
      const found = `${card.driver ?? "no driver"} on ${card.pciId ?? "a card without PCI id"}`;
      if (card.pciId !== null && card.pciId !== QXL) return unmet(found, { remedy: OTHER_CARD });
      return metIf(card.driver === "qxl" && card.pciId === QXL, found);
    }),
  },
  {
    // Measured on Linux 6.1.0-56-amd64 (Debian 12), QEMU 7.2: the ioctl says import and export; a
    // dumb buffer is exported as a dma-buf and imported again on a second open of the card, but
    // its mmap, and both ways between qxl and vgem, end in ENOSYS. Mir 2.12 needs the first part
    // only. So the capability is required, and nothing is claimed of other devices' buffers.
    id: "prime",
    description: "Can the card hand out buffers as dma-buf file descriptors, and take them?",
    page: 43,
    probe: "ioctl `DRM_CAP_PRIME` on the card's node",
    required: "PRIME import and export",
    remedy: "boot Linux 3.18 or newer: before it QXL has no dma-buf",
    fatal: true,
    settles: false,
    needs: ["drm"],
    judge: byFacts((facts) => {
      if (facts.cards === null) return untold(facts, "drm");
      const card = cardOf(facts);
      if (card === undefined) return unmet("no card");
      const { primeImport, primeExport } = card;
      const can = [...(primeImport ? ["import"] : []), ...(primeExport ? ["export"] : [])];
      return metIf(primeImport && primeExport, can.length === 0 ? "neither" : can.join(" and "));
    }),
  },
  {
    id: "display",
    description: "Is there a screen that can be lit?",
    page: 43,
    probe: "`/sys/class/drm/card*-*`: status and modes; ioctl `DRM_IOCTL_MODE_GETRESOURCES`: crtcs",
    required: "a connected connector with a mode, and a crtc",
    remedy:
      "give the domain's video one head at least; in the guest 'cat /sys/class/drm/*/status' shows its connectors",
    fatal: true,
    settles: true,
    needs: ["drm"],
    judge: byFacts((facts) => {
      if (facts.cards === null) return untold(facts, "drm");
      const card = cardOf(facts);
      if (card === undefined) return unmet("no card", { settles: false });
      const lit = card.connectors.find((c) => c.status === "connected" && c.modes > 0);
      if (lit === undefined) return unmet("no connected connector with a mode");
      return metIf(card.crtcs > 0, `${lit.name} with ${lit.modes} modes, ${card.crtcs} crtcs`);
    }),
  },
  {
    id: "gles",
    description: "Does EGL on GBM give a GLESv2 context?",
    page: 46,
    probe: "EGL on the card by GBM, as Mir does: a context is created and made current",
    required: "an OpenGL ES 2 or newer context",
    remedy:
      "install libgl1-mesa-dri and libgbm1 in the guest, with --reinstall if files of theirs are gone; 'eglinfo' there shows what is missing",
    fatal: true,
    settles: false,
    needs: ["drm"],
    judge: byFacts((facts) =>
      facts.gles === null
        ? untold(facts, "egl")
        : metIf(Number(/OpenGL ES (\d+)\./.exec(facts.gles)?.[1] ?? 0) >= 2, facts.gles),
    ),
  },
  {
    id: "mesa",
    description: "Is the Mesa that programs load new enough?",
    page: 43,
    probe: "the version that a GLES context of the guest's libEGL names",
    required: ({ gates }) => gates.mesa,
    remedy: "install a newer Mesa by guests[].mesa (docs/builds.md), or lower guests[].gates.mesa",
    fatal: true,
    settles: false,
    needs: ["drm", "gles"],
    judge: byFacts((facts, { gates }) =>
      facts.mesa === null
        ? untold(facts, "egl")
        : metIf(atLeast(facts.mesa, gates.mesa), facts.mesa),
    ),
  },
  {
    id: "renderer",
    description: "Does Mesa draw by kms_swrast, or better?",
    page: 42,
    probe: "`GL_RENDERER` of that context, and Mesa's driver behind it",
    required: "llvmpipe, softpipe or a GPU of Mesa's",
    remedy:
      "install libgl1-mesa-dri in the guest, with --reinstall if its files are gone: it holds kms_swrast (llvmpipe)",
    fatal: true,
    settles: false,
    needs: ["drm", "gles"],
    judge: byFacts((facts) =>
      facts.renderer === null
        ? untold(facts, "egl")
        : metIf(
            isKnownRenderer(facts.renderer),
            `${facts.renderer === "" ? "no name" : facts.renderer} by ${facts.mesaDriver ?? "an unknown driver"}`,
          ),
    ),
  },
  {
    id: "mir-platform",
    description: "Has this version of Mir the platform modules that it needs here?",
    page: 56,
    probe:
      "file names in `mir/server-platform`, against the table in components/readiness/checks/known.ts",
    required: "the modules that this Mir needs on this renderer",
    remedy: "install mir-platform-graphics-gbm-kms in the guest",
    fatal: true,
    settles: false,
    judge: byFacts((facts) => {
      if (facts.mirPlatforms === null) return untold(facts, "platforms");
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
    required: "PASS, of the installed kernel, Mesa and Mir",
    remedy:
      "'systemctl restart mir-session' in the guest tests again; log /var/lib/mir-session/tests/harness.log",
    fatal: true,
    settles: false,
    needs: ["drm", "gles"],
    judge: byFacts((facts) => ownTest(facts, "harness")),
  },
];
