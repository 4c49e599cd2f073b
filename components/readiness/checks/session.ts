/** Checks of the session, of its screen, and of the share. */
import { byFacts, byProof, Check, unknownFact } from "./check";
import { met, metIf, skipped, unmet } from "../../../core/verdict";
import { heldBy, ownTest } from "./graphics";

/** A session that is up for this many seconds counts as steady; from experience. */
const STEADY_S = 5;
/**
 * After a restart the session has to be up longer: in a crash loop it is up for some seconds each
 * time. systemd itself stops a loop of less than 40 s per turn (4 starts in 120 s,
 * scripts/guest/session.sh).
 */
const STEADY_AFTER_RESTART_S = 45;

/** Mesa's driver: one file per driver until Mesa 24, then one file for all. */
const DRIVER_FILE = /\/(?:dri\/[^/]*_dri\.so|libgallium[^/]*\.so)/;
const REPLACED = / \(deleted\)$/;

/** The globals that every Wayland client and today's toolkits need. */
const GLOBALS = ["wl_compositor", "xdg_wm_base"];

export const SESSION: readonly Check[] = [
  {
    id: "session",
    description: "Does the Mir server run?",
    page: 56,
    probe: "`systemctl show mir-session`",
    required: "mir-session.service active",
    remedy:
      "read 'journalctl -u mir-session -b' in the guest, then run 'systemctl restart mir-session'",
    fatal: true,
    settles: true,
    judge: byFacts((facts) => {
      const { session, unit } = facts;
      if (session === null || unit === null) return unknownFact(facts, "session");
      if (unit.loadState === "masked" && session !== "active") {
        const remedy =
          "run 'systemctl unmask mir-session' in the guest, then 'systemctl start mir-session'";
        return unmet("masked", { settles: false, remedy });
      }
      if (session === "active") return met(session);
      if (facts.displayManager !== null) {
        const found = `${session}, while ${facts.displayManager} holds the screen`;
        return unmet(found, heldBy(facts.displayManager));
      }
      const ended = unit.result === "success" ? session : `${session} (${unit.result})`;
      // Somebody stopped it, or systemd gave up: nothing will start it.
      const settles = !/^(failed|inactive)$/.test(session) || unit.queued;
      return unmet(ended, { settles });
    }),
  },
  {
    id: "session-steady",
    description: "Does the Mir server stay up?",
    page: null,
    probe: "`systemctl show mir-session`: NRestarts, and how long the server has its socket",
    required: `up for ${STEADY_S} s, or for ${STEADY_AFTER_RESTART_S} s after a restart`,
    remedy: "read in 'journalctl -u mir-session -b' in the guest why the session ended",
    fatal: true,
    settles: true,
    needs: ["session"],
    judge: byFacts((facts, _, { sessionSeconds }) => {
      if (facts.unit === null) return unknownFact(facts, "session");
      const { restarts } = facts.unit;
      if (sessionSeconds === null) return unmet("not up");
      const steady = restarts === 0 ? STEADY_S : STEADY_AFTER_RESTART_S;
      const times = restarts === 0 ? "no restart" : `${restarts} restarts`;
      return metIf(
        sessionSeconds >= steady,
        sessionSeconds >= steady ? times : `${times}, up for ${sessionSeconds.toFixed(0)} s`,
      );
    }),
  },
  {
    id: "mesa-in-use",
    description: "Does the session use the installed Mesa?",
    page: 42,
    probe: "`/proc/PID/maps` of the server: Mesa's driver files, and whether they still exist",
    required: "a Mesa driver in the server's memory, and none that was replaced on disk",
    remedy: "run 'systemctl restart mir-session' in the guest",
    fatal: true,
    settles: true,
    needs: ["session"],
    judge: byFacts((facts) => {
      if (facts.unit === null) return unknownFact(facts, "session");
      const { libraries } = facts.unit;
      const replaced = libraries.filter((file) => REPLACED.test(file));
      if (replaced.length > 0) {
        const names = replaced.map((file) => file.replace(REPLACED, "")).join(", ");
        return unmet(`replaced since the session began: ${names}`, { settles: false });
      }
      const driver = libraries.find((file) => DRIVER_FILE.test(file));
      return driver === undefined ? unmet("no driver of Mesa's") : met(driver);
    }),
  },
  {
    id: "platform",
    description: "Did Mir select the display platform?",
    page: 56,
    probe: "'Selected display driver' in the session's log",
    required: ({ platform = "KMS" }) => `a ${platform} display platform selected in the Mir log`,
    remedy: ({ platform = "gbm-kms" }) =>
      `install mir-platform-graphics-${platform} in the guest; 'journalctl -u mir-session -b' shows the reason`,
    fatal: true,
    settles: true,
    needs: ["session"],
    judge: byFacts((facts, { platform }) => {
      if (facts.mirPlatform === null) return unknownFact(facts, "mirLog");
      const wanted = platform === "virtual" ? /^mir:virtual/ : /^mir:(gbm|atomic)-kms/;
      return metIf(wanted.test(facts.mirPlatform), facts.mirPlatform);
    }),
  },
  {
    id: "wayland",
    description: "Does the server answer a client?",
    page: 56,
    probe: "a client of this project connects, lists the globals, and waits for the answer",
    required: GLOBALS.join(" and "),
    remedy:
      "read 'journalctl -u mir-session -b' in the guest; a server of your own has to support xdg-shell",
    fatal: true,
    settles: true,
    needs: ["session"],
    judge: byFacts((facts) => {
      if (facts.wayland === null) return unknownFact(facts, "wayland");
      const { globals, socket } = facts.wayland;
      const missing = GLOBALS.filter((name) => !globals.includes(name));
      return missing.length === 0
        ? met(`${GLOBALS.join(" and ")} at ${socket}`)
        : unmet(`no ${missing.join(", no ")} at ${socket}`);
    }),
  },
  {
    id: "test-client",
    description: "Does Mir's demo server draw for Mir's test clients?",
    page: 56,
    probe: "`mir-smoke-test-runner`, before the session takes the card",
    required: "PASS with the installed kernel, Mesa and Mir",
    remedy:
      "run 'systemctl restart mir-session' in the guest to repeat the test; log: /var/lib/mir-session/tests/smoke.log",
    fatal: true,
    settles: false,
    needs: ["drm", "gles"],
    judge: byFacts((facts) => ownTest(facts, "smoke")),
  },
  {
    id: "test-shells",
    description: "Do Mir's own shells draw for a server that is their client?",
    page: null,
    probe: "`mir-compositor-smoke-test` of Mir 2.28 and later, before the session takes the card",
    required: "PASS with the installed kernel, Mesa and Mir",
    remedy:
      "run 'systemctl restart mir-session' in the guest to repeat the test; log: /var/lib/mir-session/tests/compositor.log",
    fatal: false,
    settles: false,
    needs: ["drm", "gles"],
    judge: byFacts((facts) => ownTest(facts, "compositor")),
  },
  {
    id: "window",
    description: "Does the declared client show a window?",
    page: 56,
    probe: "the server's list of windows (zwlr_foreign_toplevel_manager_v1)",
    required: "a window of the client",
    remedy:
      "read 'journalctl -u mir-session-client -b' in the guest, and correct guests[].session.client",
    fatal: true,
    settles: true,
    needs: ["session", "wayland"],
    judge: byFacts((facts) => {
      if (facts.unit === null) return unknownFact(facts, "session");
      if (facts.unit.client === "none") return skipped("no client is declared");
      if (facts.wayland === null) return unknownFact(facts, "wayland");
      const { windows } = facts.wayland;
      if (windows === null) return skipped("the server does not list its windows");
      if (windows.length > 0) return met(windows.map((title) => `'${title}'`).join(", "));
      const state = facts.unit.clientState;
      const found = `no window; mir-session-client.service is ${state}`;
      return unmet(found, { settles: state !== "failed" });
    }),
  },
  {
    id: "share",
    description: "Can host and guest exchange files through the share?",
    page: 53,
    probe: "a nonce is written on each side and read on the other",
    required: ({ share }) =>
      share === undefined
        ? "the host's folder mounted in the guest"
        : `the host's ${share.path} mounted at ${share.mount} in the guest${share.readonly ? ", read-only" : ""}`,
    remedy:
      "run 'systemctl restart' for the mount unit in the guest, and let libvirt-qemu write the host's folder",
    fatal: true,
    settles: true,
    judge: byProof("share"),
  },
  {
    id: "picture",
    description: "Is there a picture on the screen?",
    page: 12,
    probe:
      "`virsh screenshot`, twice: QXL returns the previous frame; on platform virtual `grim` in the guest",
    required: "a screen that is not empty and not a text console",
    remedy: ({ picture }) =>
      `look at ${picture}, and read 'journalctl -u mir-session -u mir-session-client -b' in the guest`,
    fatal: true,
    settles: true,
    needs: ["session"],
    judge: byProof("picture"),
  },
  {
    id: "pointer",
    description: "Who draws the pointer, and does the picture have it?",
    page: null,
    probe: "'Using hardware cursor' or 'Using software cursor' in the session's log",
    required: ({ cursor }) =>
      cursor === "software"
        ? "a software cursor, which Mir draws into the picture"
        : "a hardware or a software cursor",
    remedy:
      "read 'journalctl -u mir-session -b' in the guest; guests[].session.cursor chooses, where the server is Mir's own",
    fatal: true,
    settles: true,
    needs: ["session"],
    judge: byFacts(({ cursor }, wanted) => {
      if (cursor === null) {
        const none = "the session's log does not name a cursor";
        return wanted.cursor === "software" ? unmet(none) : skipped(none);
      }
      const where =
        cursor === "hardware"
          ? "a hardware cursor: the viewer draws it, and no picture has it"
          : "a software cursor: the picture has it";
      return metIf(wanted.cursor === undefined || wanted.cursor === cursor, where);
    }),
  },
  {
    id: "outputs",
    description: "Does each declared output show a picture in its mode?",
    page: null,
    probe: "`virsh screenshot --screen N` of each; its size",
    required: ({ outputs = [] }) => outputs.join(", "),
    remedy:
      "choose modes that 'cat /sys/class/drm/*/modes' in the guest lists; 'journalctl -b -t mir-session' has Mir's display configuration",
    fatal: true,
    settles: true,
    needs: ["session", "display"],
    judge: byProof("outputs"),
  },
  {
    id: "keyboard",
    description: "Does a key change the picture?",
    page: 12,
    probe: "`virsh send-key` to the default client, which counts keys; then another picture",
    required: "a picture that changes when a key is sent",
    remedy:
      "check the domain's input devices, and search 'journalctl -u mir-session -b' in the guest for evdev-input",
    fatal: true,
    settles: true,
    needs: ["session"],
    judge: byProof("keyboard"),
  },
];
