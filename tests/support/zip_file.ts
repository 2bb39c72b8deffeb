/** Writes zip files for tests, by default as torch and NumPy do: members stored one after the other. */

export interface ZipMember {
  readonly name: string;
  readonly bytes: Uint8Array;
  /** 0: stored. */
  readonly method?: number;
  readonly flags?: number;
}

export interface ZipOptions {
  /** Members' bytes begin at a multiple of this, as torch aligns them to 64. */
  readonly align?: number;
  /** Whether every size and offset stands in 64 bits. */
  readonly isLong?: boolean;
  readonly comment?: string;
}

/** Where the parts lie, for tests that damage them. */
export interface ZipLayout {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Of each member's local header, its bytes, and its entry in the directory. */
  readonly members: readonly { readonly header: number; readonly data: number; readonly central: number }[];
  /** Of the end record. */
  readonly end: number;
}

/** The bytes of a zip file. */
export function zipFile(members: readonly ZipMember[], options: ZipOptions = {}): Uint8Array<ArrayBuffer> {
  return zipLayout(members, options).bytes;
}

/** A zip file with the places of its parts. */
export function zipLayout(
  members: readonly ZipMember[],
  { align = 1, isLong = false, comment = "" }: ZipOptions = {},
): ZipLayout {
  const out: number[] = [];
  const places = members.map((member) => {
    const header = out.length;
    const nameBytes = [...new TextEncoder().encode(member.name)];
    const unpadded = header + 30 + nameBytes.length;
    const padding = align === 1 ? 0 : (align - (unpadded + 4) % align) % align + 4;
    out.push(
      ...u32(0x04034b50),
      ...u16(0),
      ...u16(member.flags ?? 0),
      ...u16(member.method ?? 0),
      ...u32(0),
      ...u32(0),
    );
    out.push(...u32(member.bytes.length), ...u32(member.bytes.length), ...u16(nameBytes.length), ...u16(padding));
    // Torch pads with an extra field of its own, "FB".
    out.push(...nameBytes, ...(padding === 0 ? [] : [0x46, 0x42, ...u16(padding - 4)]));
    out.push(...new Array<number>(Math.max(0, padding - 4)).fill(0x5a));
    const data = out.length;
    for (const byte of member.bytes) out.push(byte);
    return { header, data };
  });
  const directory = out.length;
  const centrals = members.map((member, index) => {
    const central = out.length;
    const { header = 0 } = places[index] ?? {};
    const nameBytes = [...new TextEncoder().encode(member.name)];
    const size = member.bytes.length;
    const extra = isLong ? [...u16(1), ...u16(24), ...u64(size), ...u64(size), ...u64(header)] : [];
    const short = (value: number) => u32(isLong ? 0xffffffff : value);
    out.push(
      ...u32(0x02014b50),
      ...u32(0),
      ...u16(member.flags ?? 0),
      ...u16(member.method ?? 0),
      ...u32(0),
      ...u32(0),
    );
    out.push(...short(size), ...short(size), ...u16(nameBytes.length), ...u16(extra.length), ...u16(0));
    out.push(...u32(0), ...u32(0), ...short(header), ...nameBytes, ...extra);
    return central;
  });
  const directoryBytes = out.length - directory;
  if (isLong) {
    const record = out.length;
    out.push(...u32(0x06064b50), ...u64(44), ...u16(45), ...u16(45), ...u32(0), ...u32(0));
    out.push(...u64(members.length), ...u64(members.length), ...u64(directoryBytes), ...u64(directory));
    out.push(...u32(0x07064b50), ...u32(0), ...u64(record), ...u32(1));
  }
  const end = out.length;
  const count = u16(isLong ? 0xffff : members.length);
  out.push(...u32(0x06054b50), ...u16(0), ...u16(0), ...count, ...count);
  out.push(...u32(isLong ? 0xffffffff : directoryBytes), ...u32(isLong ? 0xffffffff : directory));
  out.push(...u16(comment.length), ...new TextEncoder().encode(comment));
  const bytes = Uint8Array.from(out);
  return { bytes, end, members: places.map((place, index) => ({ ...place, central: centrals[index] ?? 0 })) };
}

export function u16(value: number): number[] {
  return [value & 0xff, (value >>> 8) & 0xff];
}

export function u32(value: number): number[] {
  return [...u16(value & 0xffff), ...u16(value >>> 16)];
}

export function u64(value: number | bigint): number[] {
  const big = BigInt(value);
  return [...u32(Number(big & 0xffffffffn)), ...u32(Number(big >> 32n))];
}
