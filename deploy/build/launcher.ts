import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { tool } from "./command.ts";
import { WORK } from "./paths.ts";

/** Below node's own first address (0x400000), so that segments stay in ascending order. */
const ADDRESS = 0x200000;
const PAGE = 4096;
const PT_LOAD = 1;
const PT_INTERP = 3;
const PT_PHDR = 6;
const READ_AND_RUN = 5;
const SEGMENT_BYTES = 56;
const SEGMENTS_MAX = 32;
const MAGIC = "RINGPOST_ORIGIN\0";
const FLAGS =
  "-O2 -Wall -Werror -static -nostdlib -ffreestanding -fno-builtin -fno-pie -no-pie -fno-stack-protector -fno-asynchronous-unwind-tables -fcf-protection=none".split(
    " ",
  );
const LINK = [`-Wl,-Ttext=0x${ADDRESS.toString(16)}`, "-Wl,-N", "-Wl,--build-id=none", "-Wl,-z,norelro", "-s"];

/** Places of an ELF file's fields, x86-64. */
const ELF = { entry: 24, phoff: 32, phnum: 56 } as const;
const SEGMENT = { type: 0, flags: 4, offset: 8, vaddr: 16, paddr: 24, filesz: 32, memsz: 40, align: 48 } as const;

/**
 * Puts the launcher into the binary: it runs first, and says in one sentence what a system with an old glibc lacks. The
 * place in the segment table that named the dynamic linker now loads the launcher, which maps the linker itself.
 */
export async function addLauncher(binary: string): Promise<void> {
  const { code, entry } = await compile();
  const file = await readFile(binary);
  const table = Number(file.readBigUInt64LE(ELF.phoff));
  const count = file.readUInt16LE(ELF.phnum);
  fillOrigin(code, file, table, count);
  const offset = Math.ceil(file.length / PAGE) * PAGE;
  const place = placeOf(file, table, count, PT_INTERP);
  writeSegment(file, place, offset, code.length);
  file.writeBigUInt64LE(entry, ELF.entry);
  await writeFile(binary, Buffer.concat([file, Buffer.alloc(offset - file.length), code]));
}

async function compile(): Promise<{ code: Buffer; entry: bigint }> {
  const elf = join(WORK, "launcher");
  await tool("gcc", [...FLAGS, ...LINK, "-o", elf, join(import.meta.dirname, "launcher.c")]);
  await tool("objcopy", ["-O", "binary", "-j", ".text", "-j", ".rodata*", "-j", ".data*", elf, `${elf}.bin`]);
  return { code: await readFile(`${elf}.bin`), entry: (await readFile(elf)).readBigUInt64LE(ELF.entry) };
}

/** The linker is shown the table as it was, at its new place. */
function fillOrigin(code: Buffer, file: Buffer, table: number, count: number): void {
  const origin = code.indexOf(MAGIC);
  if (origin < 0 || count > SEGMENTS_MAX) throw new Error("the launcher has no room for the segment table");
  code.writeBigUInt64LE(file.readBigUInt64LE(ELF.entry), origin + 16);
  code.writeBigUInt64LE(BigInt(count), origin + 24);
  const copy = origin + 32;
  file.copy(code, copy, table, table + count * SEGMENT_BYTES);
  const self = placeOf(code, copy, count, PT_PHDR);
  for (const field of [SEGMENT.vaddr, SEGMENT.paddr]) code.writeBigUInt64LE(BigInt(ADDRESS + copy), self + field);
}

function placeOf(bytes: Buffer, table: number, count: number, type: number): number {
  for (let n = 0; n < count; n++) {
    const at = table + n * SEGMENT_BYTES;
    if (bytes.readUInt32LE(at + SEGMENT.type) === type) return at;
  }
  throw new Error(`the binary has no segment of type ${type}`);
}

function writeSegment(file: Buffer, at: number, offset: number, size: number): void {
  file.writeUInt32LE(PT_LOAD, at + SEGMENT.type);
  file.writeUInt32LE(READ_AND_RUN, at + SEGMENT.flags);
  const fields: [keyof typeof SEGMENT, number][] = [
    ["offset", offset],
    ["vaddr", ADDRESS],
    ["paddr", ADDRESS],
    ["filesz", size],
    ["memsz", size],
    ["align", PAGE],
  ];
  for (const [name, value] of fields) file.writeBigUInt64LE(BigInt(value), at + SEGMENT[name]);
}
