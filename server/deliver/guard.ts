import { BlockList, isIP } from "node:net";

/** Addresses no stranger's URL may lead to: this machine, its networks, and what translates into them. */
const PRIVATE = new BlockList();
const V4: [string, number][] = [
  ["0.0.0.0", 8],
  ["10.0.0.0", 8],
  ["100.64.0.0", 10],
  ["127.0.0.0", 8],
  ["169.254.0.0", 16],
  ["172.16.0.0", 12],
  ["192.0.0.0", 24],
  ["192.0.2.0", 24],
  ["192.168.0.0", 16],
  ["198.18.0.0", 15],
  ["198.51.100.0", 24],
  ["203.0.113.0", 24],
  ["224.0.0.0", 3],
];
const V6: [string, number][] = [
  ["::", 96],
  ["64:ff9b::", 96],
  ["64:ff9b:1::", 48],
  ["100::", 64],
  ["2001::", 32],
  ["2001:db8::", 32],
  ["2002::", 16],
  ["fc00::", 7],
  ["fe80::", 10],
  ["fec0::", 10],
  ["ff00::", 8],
];
for (const [net, bits] of V4) PRIVATE.addSubnet(net, bits, "ipv4");
for (const [net, bits] of V6) PRIVATE.addSubnet(net, bits, "ipv6");

/** Whether an IP address (not a name) is private; what is no address counts as private. IPv4 inside IPv6 is seen through. */
export function isPrivateAddress(address: string): boolean {
  const bare = address.replace(/^\[|\]$/g, "");
  const family = isIP(bare);
  return family === 0 || PRIVATE.check(bare, family === 6 ? "ipv6" : "ipv4");
}
