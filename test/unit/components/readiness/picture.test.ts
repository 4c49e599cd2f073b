import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import fc from "fast-check";
import {
  MIN_DRAWN,
  Picture,
  pictureFacts,
  pictureFault,
  readPicture,
  toPng,
} from "../../../../components/readiness/picture";
import { ROOT } from "../../support";

const picture = fc
  .record({ width: fc.integer({ min: 1, max: 24 }), height: fc.integer({ min: 1, max: 24 }) })
  .chain(({ width, height }) => {
    const length = width * height * 3;
    const rgb = fc.uint8Array({ minLength: length, maxLength: length });
    return rgb.map((pixels): Picture => ({ width, height, rgb: pixels }));
  });

function ppm({ width, height, rgb }: Picture, header = `P6\n${width} ${height}\n255\n`): Buffer {
  return Buffer.concat([Buffer.from(header), rgb]);
}

/** A picture of one colour, with the first `drawn` pixels of another. */
function drawnOf(width: number, height: number, drawn: number): Picture {
  const rgb = new Uint8Array(width * height * 3);
  rgb.fill(200, 0, drawn * 3);
  return { width, height, rgb };
}

describe("readPicture", () => {
  it("reads a PPM with any pixels", () => {
    fc.assert(fc.property(picture, (p) => assert.deepEqual(readPicture(ppm(p)), p)));
  });

  it("reads back the PNG that toPng writes", () => {
    fc.assert(
      fc.property(picture, (p) => assert.deepEqual(readPicture(toPng(p)), p)),
      { numRuns: 40 },
    );
  });

  it("reads a header with a comment", () => {
    const p = drawnOf(2, 2, 1);
    assert.deepEqual(readPicture(ppm(p, "P6\n# by a program\n2 2\n255\n")), p);
  });

  const small = drawnOf(4, 4, 3);
  const png = toPng(small);
  const huge = Buffer.from(png);
  huge.writeUInt32BE(0x7fffffff, 16);
  const table: [string, Buffer, RegExp][] = [
    ["nothing", Buffer.alloc(0), /^Error: screenshot is neither PNG nor 8-bit PPM$/],
    ["a text", Buffer.from("error: no domain"), /^Error: screenshot is neither PNG nor 8-bit PPM$/],
    ["16-bit PPM", Buffer.from("P6\n1 1\n65535\n000000"), /^Error: screenshot is neither PNG/],
    [
      "a truncated PPM",
      ppm(small).subarray(0, 50),
      /^Error: screenshot is truncated: 39 of 48 bytes$/,
    ],
    [
      "a PPM with additional bytes",
      Buffer.concat([ppm(small), Buffer.from("x")]),
      /truncated: 49 of 48 bytes$/,
    ],
    [
      "a huge PPM header",
      Buffer.from("P6 8193 1 255\n"),
      /^Error: screenshot: found 8193x1 pixels; need 1 to 8192 per side$/,
    ],
    [
      "an endless PPM header",
      Buffer.from(`P6 ${"9".repeat(200)} 1 255\n`),
      /^Error: screenshot: found .* pixels; need 1 to 8192 per side$/,
    ],
    [
      "an empty PPM",
      Buffer.from("P6 0 0 255\n"),
      /^Error: screenshot: found 0x0 pixels; need 1 to 8192 per side$/,
    ],
    [
      "the start of a PNG",
      png.subarray(0, 12),
      /^Error: screenshot is truncated: 12 bytes of a PNG$/,
    ],
    [
      "a huge PNG header",
      huge,
      /^Error: screenshot: found 2147483647x4 pixels; need 1 to 8192 per side$/,
    ],
    ["half a PNG", png.subarray(0, png.length - 20), /./],
    ["a PNG with a broken chunk", Buffer.concat([png.subarray(0, 45), Buffer.alloc(40)]), /./],
  ];
  for (const [what, bytes, message] of table) {
    it(`refuses ${what}`, () => assert.throws(() => readPicture(bytes), message));
  }

  it("returns a picture or an error for any bytes after the start of a PNG or PPM", () => {
    const start = fc.constantFrom(
      png.subarray(0, 8),
      png.subarray(0, 33),
      Buffer.from("P6 2 2 255\n"),
    );
    fc.assert(
      fc.property(start, fc.uint8Array({ maxLength: 64 }), (head, tail) => {
        try {
          const read = readPicture(Buffer.concat([head, tail]));
          assert.equal(read.rgb.length, read.width * read.height * 3);
        } catch (error) {
          assert.ok(error instanceof Error);
        }
      }),
    );
  });
});

describe("pictureFacts", () => {
  it("counts colours and drawn pixels", () => {
    const { sha256, ...facts } = pictureFacts(drawnOf(10, 10, 25));
    assert.deepEqual(facts, { width: 10, height: 10, colours: 2, drawn: 0.25, console: false });
    assert.match(sha256, /^[0-9a-f]{64}$/);
  });

  it("distinguishes pictures by size and by pixels", () => {
    const hashes = [drawnOf(4, 2, 0), drawnOf(2, 4, 0), drawnOf(4, 2, 1)].map(
      (p) => pictureFacts(p).sha256,
    );
    assert.equal(new Set(hashes).size, 3);
  });

  it("gives the same picture the same hash in every file format", () => {
    const p = drawnOf(8, 8, 9);
    assert.equal(
      pictureFacts(readPicture(toPng(p))).sha256,
      pictureFacts(readPicture(ppm(p))).sha256,
    );
  });

  it("handles a picture without two equal pixels", () => {
    const [width, height] = [1024, 768];
    const rgb = new Uint8Array(width * height * 3);
    for (let i = 0; i < width * height; i++) rgb.set([i >> 16, i >> 8, i], i * 3);
    const facts = pictureFacts({ width, height, rgb });
    assert.equal(facts.colours, 256);
    assert.equal(facts.drawn, 1 - 1 / (width * height));
  });
});

describe("pictureFault", () => {
  const side = 200;
  const least = side * side * MIN_DRAWN;
  const table: [string, Picture, string | undefined][] = [
    ["one colour", drawnOf(side, side, 0), "one colour"],
    ["a cursor", drawnOf(side, side, 8), "0.02 % of the pixels differ from the background"],
    [
      "just too little",
      drawnOf(side, side, least - 1),
      "0.50 % of the pixels differ from the background",
    ],
    ["just enough", drawnOf(side, side, least), undefined],
    ["half a screen", drawnOf(side, side, (side * side) / 2), undefined],
  ];
  for (const [what, shown, fault] of table) {
    it(`judges ${what}`, () => assert.equal(pictureFault(pictureFacts(shown)), fault));
  }

  /** Rows of one colour each, the first of the background. */
  function striped(...colours: [number, number, number][]): Picture {
    const rgb = new Uint8Array(100 * 100 * 3);
    colours.forEach((colour, row) => {
      for (let x = 0; x < 100; x++) rgb.set(colour, (row * 100 + x) * 3);
    });
    return { width: 100, height: 100, rgb };
  }
  const consoles: [string, Picture, boolean][] = [
    ["grey on black", striped([0xaa, 0xaa, 0xaa]), true],
    ["green, red and white on black", striped([0, 0xaa, 0], [0xaa, 0, 0], [255, 255, 255]), true],
    ["VGA's grey of 6 bits on black", striped([0xa8, 0xa8, 0xa8]), true],
    [
      "a photograph in a size of text modes",
      { width: 720, height: 400, rgb: new Uint8Array(720 * 400 * 3).map((_, i) => i % 251) },
      true,
    ],
    ["one smooth pixel row among them", striped([0, 0xaa, 0], [0x13, 0x22, 0x31]), false],
    [
      "the same, not on black",
      { ...striped([0xaa, 0xaa, 0xaa]), rgb: new Uint8Array(30000).fill(0x55).fill(0xaa, 0, 900) },
      false,
    ],
  ];
  for (const [what, shown, is] of consoles) {
    it(`treats ${what} as ${is ? "a text console" : "a picture"}`, () =>
      assert.equal(pictureFacts(shown).console, is));
  }

  const real: [string, string, string | undefined][] = [
    ["docs/mir.png", "Mir with its client", undefined],
    [
      "test/fixtures/text-console.debian-12.qemu-7.2.22.png",
      "a boot's text",
      "a text console: 2 colours of VGA, 1024x768",
    ],
    [
      "test/fixtures/text-mode.grub.qemu-10.0.13.png",
      "GRUB, which a display shows that no driver has set",
      "a text console: 2 colours of VGA, 720x400",
    ],
  ];
  for (const [file, what, fault] of real) {
    it(`judges a real screenshot of ${what}`, () => {
      const shown = readPicture(readFileSync(join(ROOT, file)));
      assert.equal(pictureFault(pictureFacts(shown)), fault);
    });
  }
});
