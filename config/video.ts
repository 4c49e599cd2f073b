/** Video models of a guest, and what its kernel has to know of each. Pure data. */

export interface Card {
  /** Vendor and device of the card on the guest's PCI bus, as QEMU's docs/specs/pci-ids lists them. */
  readonly pciId: string;
  /** The kernel's module. */
  readonly module: string;
  /** Names in sysfs of what is bound to the card; measured on Linux 6.12. */
  readonly drivers: readonly string[];
  /** The kernel's configuration symbol of that driver. */
  readonly symbol: string;
}

/** The first is the page's, and the default. */
export const CARDS = {
  qxl: { pciId: "1b36:0100", module: "qxl", drivers: ["qxl"], symbol: "DRM_QXL" },
  virtio: {
    pciId: "1af4:1050",
    module: "virtio_gpu",
    drivers: ["virtio-pci", "virtio_gpu"],
    symbol: "DRM_VIRTIO_GPU",
  },
  bochs: {
    pciId: "1234:1111",
    module: "bochs",
    drivers: ["bochs-drm", "bochs"],
    symbol: "DRM_BOCHS",
  },
} as const satisfies Readonly<Record<string, Card>>;

/** Sizes of QXL where none is declared, KiB: libvirt's defaults. */
export const QXL_SIZES = { ramKiB: 65536, vramKiB: 65536, vgamemKiB: 16384 } as const;

export type VideoModel = keyof typeof CARDS;

export const VIDEO_MODELS = Object.keys(CARDS) as [VideoModel, ...VideoModel[]];

/** One output as it is configured: pixels, and its place among the others. */
export interface Output {
  readonly width: number;
  readonly height: number;
  readonly scale: number;
  /** Of its left edge, in logical pixels. Unset: right of the output before it. */
  readonly x?: number | undefined;
  /** Of its upper edge, in logical pixels. */
  readonly y: number;
}

/** Most outputs that a model shows pictures of; virtio: QEMU's limit is 16, four is what a desk has. */
export const MOST_OUTPUTS: Readonly<Record<VideoModel, number>> = { qxl: 1, virtio: 4, bochs: 1 };

/** `1024x768@1+0+0` of each output, as scripts/guest/session.sh takes it. */
export function outputWords(outputs: readonly Output[]): string[] {
  let right = 0;
  return outputs.map(({ width, height, scale, x = right, y }) => {
    right = x + Math.round(width / scale);
    return `${width}x${height}@${scale}+${x}+${y}`;
  });
}

/** A configured `video` in the form that resources record: what is the page's is unset, as in an earlier version's state. */
export function recordedVideo<Sizes extends object>({
  model,
  outputs,
  ...sizes
}: { readonly model: VideoModel; readonly outputs: readonly Output[] } & Sizes) {
  return {
    ...sizes,
    ...(model === "qxl" ? {} : { model }),
    ...(outputs.length > 1 ? { heads: outputs.length } : {}),
  };
}
