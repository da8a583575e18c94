import type { LookupAddress } from "node:dns";
import { describe, expect, it } from "vitest";
import { checkedLookup, nameResolver, type Resolve } from "./resolve.ts";

/** What a connection is given: addresses, or why none. */
function connectTo(resolve: Resolve, { allowPrivate = false, all = true } = {}): Promise<unknown> {
  return new Promise((done) =>
    checkedLookup(resolve, allowPrivate)("rebind.example.com", { all }, (error, found) =>
      done(error?.message ?? found),
    ),
  );
}

const answers = (...lists: LookupAddress[][]): Resolve => {
  const left = [...lists];
  return async () => left.shift()!;
};
const open = { address: "1.1.1.1", family: 4 };
const inside = { address: "10.0.0.7", family: 4 };

describe("connecting by name", () => {
  it("goes to the public addresses alone", async () => {
    expect(await connectTo(answers([inside, open]))).toEqual([open]);
    expect(await connectTo(answers([inside, open]), { all: false })).toBe("1.1.1.1");
  });

  it("is refused when all are private, unless allowed", async () => {
    expect(await connectTo(answers([inside]))).toContain("rebind.example.com is a private address");
    expect(await connectTo(answers([inside]), { allowPrivate: true })).toEqual([inside]);
  });

  it("checks every answer of a name that leads elsewhere each time, and asks once for each connection", async () => {
    const resolve = answers([open], [inside]);
    expect(await connectTo(resolve)).toEqual([open]);
    expect(await connectTo(resolve)).toContain("is a private address");
  });
});

it("names that only this machine knows are found", async () => {
  const found = await nameResolver()("localhost");
  expect(found.map(({ address }) => address)).toEqual(
    expect.arrayContaining([expect.stringMatching(/^(127\.0\.0\.1|::1)$/)]),
  );
});
