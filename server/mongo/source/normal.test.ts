import { BSON, EJSON, type Document } from "bson";
import { describe, expect, it } from "vitest";
import { canonical } from "../json.ts";
import { normalDocument } from "./normal.ts";

const ALL: Document = {
  _id: new BSON.ObjectId("68402507aaaaaaaaaaaaaaaa"),
  text: "Иванов \u0000",
  int: new BSON.Int32(5),
  long: BSON.Long.fromString("1749034247000"),
  huge: BSON.Long.fromString("9223372036854775807"),
  double: 1.5,
  decimal: BSON.Decimal128.fromString("1749034247.123"),
  date: new Date(1749034247123),
  old: new Date(-1000),
  far: new Date(8.64e15),
  bin: new BSON.Binary(Buffer.from([1, 2, 3]), 0),
  regex: new BSON.BSONRegExp("^a", "i"),
  stamp: new BSON.Timestamp({ t: 1749034247, i: 3 }),
  nothing: null,
  list: [1, { a: true }],
  min: new BSON.MinKey(),
};

const read = (document: Document): Document =>
  BSON.deserialize(BSON.serialize(document), { useBigInt64: true, bsonRegExp: true });

describe("one form for all sources", () => {
  const fromBson = normalDocument(read(ALL));

  it.each([
    ["canonical Extended JSON v2", EJSON.stringify(ALL, { relaxed: false })],
    [
      "relaxed Extended JSON v2, but for what it loses of the huge number",
      EJSON.stringify({ ...ALL, huge: 0 }, { relaxed: true }),
    ],
    ["Extended JSON v1", EJSON.stringify(ALL, { legacy: true, relaxed: false } as object)],
  ])("comes out of %s as it does out of BSON", (what, text) => {
    const expected = what.startsWith("relaxed") ? { ...fromBson, huge: 0 } : fromBson;
    expect(normalDocument(JSON.parse(text))).toEqual(expected);
  });

  it("keeps what a double cannot hold, and escapes what PostgreSQL refuses", () => {
    expect(fromBson).toMatchObject({
      huge: { $numberLong: "9223372036854775807" },
      long: 1749034247000,
      decimal: { $numberDecimal: "1749034247.123" },
      date: { $date: "2025-06-04T10:50:47.123Z" },
      text: "Иванов \ufdd00000",
    });
  });

  it("keeps numbers that are none", () => {
    const odd = normalDocument(read({ a: Number.NaN, b: Number.POSITIVE_INFINITY }));
    expect(odd).toEqual({ a: { $numberDouble: "NaN" }, b: { $numberDouble: "Infinity" } });
    expect(normalDocument({ a: { $numberDouble: "NaN" }, b: { $numberDouble: "Infinity" } })).toEqual(odd);
  });

  it("leaves fields alone that only look like a type", () => {
    const odd = { $date: "whenever", other: 1, more: 2 };
    expect(normalDocument({ odd })).toEqual({ odd });
  });

  it("does not lose a field called __proto__", () => {
    const read = normalDocument(JSON.parse('{"__proto__": {"a": 1}, "b": 2}'));
    expect(JSON.stringify(read)).toBe('{"__proto__":{"a":1},"b":2}');
  });

  it("is written the same whatever the order of the keys", () => {
    expect(canonical({ b: 1, a: [{ d: null, c: "x" }] })).toBe(canonical({ a: [{ c: "x", d: null }], b: 1 }));
  });
});
