/**
 * All broken guests, in a lab of their own; lab.test.ts has those that need no boot. This takes
 * many boots, so it runs only with MIRLAB_TEST_LONG=1. MIRLAB_TEST_BROKEN=ID,ID selects some.
 */
import assert from "node:assert/strict";
import { after, before, describe } from "node:test";
import { catches } from "./broken";
import { BROKEN } from "./brokenGuests";
import { TestLab } from "./support";

const STACK = "itest-broken";
const GUEST = "g1";
const chosen = process.env.MIRLAB_TEST_BROKEN?.split(",");
const guests = BROKEN.filter(({ id }) => chosen?.includes(id) ?? true);
const long = process.env.MIRLAB_TEST_LONG === "1";

describe(
  "a lab whose guest is broken in every way",
  { skip: long ? false : "set MIRLAB_TEST_LONG=1: it boots a guest some ten times" },
  () => {
    const lab = new TestLab({ stack: STACK, guests: [{ name: GUEST }] });
    before(async () => {
      await lab.init();
      const { code, text } = await lab.pulumi("up", "--yes", "--skip-preview");
      assert.equal(code, 0, text);
    });
    after(async () => {
      await lab.dispose();
    });
    catches({ lab, guest: GUEST }, guests);
  },
);
