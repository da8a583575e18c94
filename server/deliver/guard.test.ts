import { expect, it } from "vitest";
import { isPrivateAddress } from "./guard.ts";

it.each([
  "127.0.0.1",
  "10.88.10.11",
  "172.31.255.255",
  "192.168.1.1",
  "169.254.169.254",
  "100.64.0.1",
  "0.0.0.0",
  "224.0.0.1",
  "255.255.255.255",
  "::1",
  "[::1]",
  "::",
  "::ffff:127.0.0.1",
  "::ffff:a58:a0b",
  "64:ff9b::a00:1",
  "2002:a00:1::",
  "fd00::1",
  "fe80::1",
  "example.com",
])("%s is private", (address) => expect(isPrivateAddress(address)).toBe(true));

it.each(["1.1.1.1", "172.32.0.1", "100.128.0.1", "2606:4700::1111", "::ffff:1.1.1.1"])("%s is public", (address) =>
  expect(isPrivateAddress(address)).toBe(false),
);
