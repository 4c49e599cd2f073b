/** Reads a screenshot and judges whether it shows a session. Pure. */
import { createHash } from "node:crypto";
import { PNG } from "pngjs";

/** 8-bit RGB pixels, row by row, no padding. */
export interface Picture {
  readonly width: number;
  readonly height: number;
  readonly rgb: Uint8Array;
}

/** Largest accepted side, pixels: above any QXL mode, below a memory bomb. */
const MAX_SIDE = 8192;

/** Reads the output of `virsh screenshot`: PPM (P6, from QEMU) or PNG. Throws on anything else. */
export function readPicture(bytes: Buffer): Picture {
  if (bytes.subarray(0, 8).equals(Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]))) {
    return fromPng(bytes);
  }
  return fromPpm(bytes);
}

function checkSize(width: number, height: number): void {
  if (!(width >= 1 && height >= 1 && width <= MAX_SIDE && height <= MAX_SIDE)) {
    throw new Error(`screenshot: found ${width}x${height} pixels; need 1 to ${MAX_SIDE} per side`);
  }
}

function fromPng(bytes: Buffer): Picture {
  if (bytes.length < 24) throw new Error(`screenshot is truncated: ${bytes.length} bytes of a PNG`);
  checkSize(bytes.readUInt32BE(16), bytes.readUInt32BE(20));
  const png = PNG.sync.read(bytes);
  const rgb = new Uint8Array(png.width * png.height * 3);
  for (let i = 0, o = 0; o < rgb.length; i += 4, o += 3) rgb.set(png.data.subarray(i, i + 3), o);
  return { width: png.width, height: png.height, rgb };
}

function fromPpm(bytes: Buffer): Picture {
  const header = /^P6\s+(?:#[^\n]*\n\s*)*(\d+)\s+(\d+)\s+255\s/.exec(
    bytes.subarray(0, 256).toString("latin1"),
  );
  if (header === null) throw new Error("screenshot is neither PNG nor 8-bit PPM");
  const [width, height] = [Number(header[1]), Number(header[2])];
  checkSize(width, height);
  const rgb = bytes.subarray(header[0].length);
  if (rgb.length !== width * height * 3) {
    throw new Error(`screenshot is truncated: ${rgb.length} of ${width * height * 3} bytes`);
  }
  return { width, height, rgb: new Uint8Array(rgb) };
}

/** The picture as a PNG file. */
export function toPng(picture: Picture): Buffer {
  const png = new PNG({ width: picture.width, height: picture.height });
  for (let i = 0, o = 0; i < picture.rgb.length; i += 3, o += 4) {
    png.data.set(picture.rgb.subarray(i, i + 3), o);
    png.data[o + 3] = 255;
  }
  return PNG.sync.write(png, { colorType: 2 });
}

/** Facts about a picture that need no knowledge of its content. */
export interface PictureFacts {
  readonly width: number;
  readonly height: number;
  /** Distinct colours, counted up to 256. */
  readonly colours: number;
  /** Share of pixels that do not have the most frequent colour, 0 to 1. */
  readonly drawn: number;
  /** Black background with only the colours of a text console, or VGA's text mode. */
  readonly console: boolean;
  /** SHA-256 over size and pixels, hex: the same picture in any file format. */
  readonly sha256: string;
}

/** Linux' console uses the 16 VGA colours, which have four levels; other text is antialiased. */
const CONSOLE_LEVELS = [0x00, 0x55, 0xaa, 0xff];
/** VGA's own levels have 6 bits: QEMU shows 0xa8 for 0xaa. */
const LEVEL_ERROR = 3;
const isConsoleColour = (rgb: number): boolean =>
  [rgb >> 16, (rgb >> 8) & 0xff, rgb & 0xff].every((level) =>
    CONSOLE_LEVELS.some((known) => Math.abs(level - known) <= LEVEL_ERROR),
  );

/** Sizes of VGA's text modes, which firmware and boot loaders use and no KMS driver sets. */
const TEXT_SIZES = new Set(["720x400", "640x400", "640x350", "720x350", "360x400"]);
const isTextMode = ({ width, height }: Picture): boolean => TEXT_SIZES.has(`${width}x${height}`);

export function pictureFacts(picture: Picture): PictureFacts {
  const counts = new Map<number, number>();
  for (let i = 0; i < picture.rgb.length; i += 3) {
    const [r, g, b] = [picture.rgb[i] ?? 0, picture.rgb[i + 1] ?? 0, picture.rgb[i + 2] ?? 0];
    const colour = (r << 16) | (g << 8) | b;
    counts.set(colour, (counts.get(colour) ?? 0) + 1);
  }
  const total = picture.width * picture.height;
  // Not Math.max(...): a photograph has more colours than a call may have arguments.
  let [most, background] = [0, 0];
  for (const [colour, count] of counts) if (count > most) [most, background] = [count, colour];
  const sha256 = createHash("sha256")
    .update(`${picture.width}x${picture.height}\n`)
    .update(picture.rgb)
    .digest("hex");
  return {
    width: picture.width,
    height: picture.height,
    colours: Math.min(counts.size, 256),
    drawn: (total - most) / total,
    console:
      isTextMode(picture) ||
      (background === 0 && counts.size <= 16 && [...counts.keys()].every(isConsoleColour)),
    sha256,
  };
}

/** With a smaller drawn share a screen counts as empty: 0.5 % of 1024x768 is a 63x63 window. */
export const MIN_DRAWN = 0.005;

/** Why a picture does not show a session, or undefined. */
export function pictureFault(facts: PictureFacts): string | undefined {
  if (facts.colours < 2) return "one colour";
  if (facts.drawn < MIN_DRAWN) {
    return `${(facts.drawn * 100).toFixed(2)} % of the pixels differ from the background`;
  }
  if (facts.console)
    return `a text console: ${facts.colours} colours of VGA, ${facts.width}x${facts.height}`;
  return undefined;
}
