/** What tells one card or machine from all others, in the outputs of NVIDIA's tools. */
const UUID = /\b((?:MIG-)?(?:GPU-|MIG-)?)([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})\b/gi;
/** In text `Serial Number : 1654…`, in XML `<serial>`, and boards and modules by their own numbers. */
const SERIAL =
  /((?:Serial(?: Number)?|Chassis Serial Number|GPU Fabric GUID)\s*:\s*|<(?:serial|chassis_serial_number|gpu_fabric_guid)>\s*)(?!N\/A|\[?Not|\[?N\/A)([\w-]+)/gi;
const PDI = /(PDI\s*:\s*|<pdi>\s*)(0x[0-9a-f]+)/gi;

/**
 * Takes out of a tool's output what is no one's business: UUIDs and serial numbers are replaced by numbers in
 * order of appearance, the same by the same, in the form that they had.
 */
export class Anonymiser {
  readonly #known = new Map<string, string>();
  #count = 0;

  clean(text: string): string {
    return text
      .replace(
        UUID,
        (_, kind: string, uuid: string) => `${kind}${this.#numbered(uuid.toLowerCase(), uuidOf)}`,
      )
      .replace(SERIAL, (_, label: string, serial: string) => `${label}${this.#numbered(serial, serialOf)}`)
      .replace(PDI, (_, label: string, pdi: string) => `${label}${this.#numbered(pdi, pdiOf)}`);
  }

  #numbered(original: string, form: (position: number) => string): string {
    const known = this.#known.get(original);
    if (known !== undefined) return known;
    this.#count += 1;
    const replaced = form(this.#count);
    this.#known.set(original, replaced);
    this.#known.set(replaced, replaced); // what is clean stays so
    return replaced;
  }
}

function uuidOf(position: number): string {
  return `00000000-0000-0000-0000-${String(position).padStart(12, '0')}`;
}

function serialOf(position: number): string {
  return String(position).padStart(13, '0');
}

function pdiOf(position: number): string {
  return `0x${position.toString(16).padStart(16, '0')}`;
}
