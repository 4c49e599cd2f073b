/** Signs of a frozen display, as facts.py reads them in a guest. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { valueOf } from "./facts";

const signsOf = (...messages: string[]) => valueOf(`log_signs(${JSON.stringify(messages)})`);

describe("signs of a frozen display", () => {
  it("are none in the messages of a boot that went right", async () => {
    assert.deepEqual(
      await signsOf(
        "[drm] Device Version 0.0",
        "[drm] qxl: 16M of VRAM memory size",
        "[drm] qxl: 63M of Surface memory size",
        "[drm] main mem slot 1 [f4000000,3ffe000]",
        "[drm] pci: virtio-vga detected at 0000:00:01.0",
        "[drm] features: -virgl +edid -resource_blob -host_visible",
        "[drm] Initialized virtio_gpu 0.1.0 for 0000:00:01.0 on minor 0",
        "[drm] Found bochs VGA, ID 0xb0c5.",
        "[drm] Initialized qxl 0.1.0 20120117 for 0000:00:02.0 on minor 0",
        "fbcon: qxldrmfb (fb0) is primary device",
        "EXT4-fs error (device vda1): somewhere else",
      ),
      [],
    );
  });

  it("are errors of the driver, of its memory, and a server that hangs, each kind in one line", async () => {
    assert.deepEqual(
      await signsOf(
        "[drm:qxl_gem_object_create_with_handle [qxl]] *ERROR* failed to create surface",
        "[TTM] Buffer eviction failed",
        "qxl 0000:00:02.0: object_init failed for (3149824, 0x00000001)",
        "INFO: task mir_demo_server:512 blocked for more than 120 seconds.",
      ),
      [
        "display driver: 2 in the kernel's log, the last: qxl 0000:00:02.0: object_init failed for (3149824, 0x00000001)",
        "TTM: 1 in the kernel's log, the last: [TTM] Buffer eviction failed",
        "hung task: 1 in the kernel's log, the last: INFO: task mir_demo_server:512 blocked for more than 120 seconds.",
      ],
    );
  });

  it("are errors of the other cards' drivers as well", async () => {
    for (const message of [
      "[drm:virtio_gpu_dequeue_ctrl_func [virtio_gpu]] *ERROR* response 0x1203 (command 0x105)",
      "bochs-drm 0000:00:01.0: [drm] *ERROR* Failed to allocate video memory",
    ])
      assert.deepEqual(await signsOf(message), [
        `display driver: 1 in the kernel's log, the last: ${message}`,
      ]);
  });

  it("are read from the kernel's log without their headers", async () => {
    const messages = (await valueOf("kernel_log()")) as string[];
    assert.ok(messages.length > 0);
    assert.ok(messages.every((message) => !/^\d+,\d+,\d+,/.test(message)));
  });

  it("are threads of Mir that wait for the kernel twice, and no others", async () => {
    assert.deepEqual(await valueOf("waiting(server_threads())"), {});
    const thread = '{"a": ("mir_demo_server/x", "qxl_fence_wait", "7")}';
    const stuck = `[globals().__setitem__(name, value) for name, value in (
      ("waiting", lambda _: ${thread}), ("kernel_log", lambda: []), ("STUCK_S", 0))] and signs({})`;
    assert.deepEqual(await valueOf(stuck), [
      "mir_demo_server/x waits in the kernel (qxl_fence_wait)",
    ]);
    const moves = stuck.replace(
      `lambda _: ${thread}`,
      `lambda _, looks=iter([${thread}, {"a": ("m", "q", "8")}]): next(looks)`,
    );
    assert.deepEqual(await valueOf(moves), []);
  });

  it("are a server that hears its clients and draws nothing, and no server at rest", async () => {
    const threads = (...rows: [process: number, name: string, switches: number][]) =>
      JSON.stringify(
        Object.fromEntries(
          rows.map(([process, name, switches], i) => [
            `/proc/${process}/task/${i}/status`,
            { Name: name, voluntary_ctxt_switches: String(switches) },
          ]),
        ),
      );
    const look = (drew: number, heard: number) =>
      valueOf(
        `undrawn(${threads([7, "Mir/Comp", 50], [7, "Mir/Wayland", 10])}, ${threads([7, "Mir/Comp", 50 + drew], [7, "Mir/Wayland", 10 + heard], [8, "Mir/Comp", 3])})`,
      );
    assert.deepEqual(await look(0, 200), [
      "Mir/Comp of process 7 drew nothing, while its clients sent messages",
    ]);
    assert.deepEqual(await look(0, 12), []);
    assert.deepEqual(await look(60, 200), []);
  });
});
