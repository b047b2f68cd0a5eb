import { describe, expect, it } from 'vitest';
import { Anonymiser } from '../../../../autoscaler/gpu-proof/card/anonymise.ts';

const CARD = '51ae0086-e1ac-4a20-f062-9caa44e4df6d';

describe('Anonymiser', () => {
  it('replaces what tells one card from all others, in text and XML, and leaves the rest', () => {
    const anonymiser = new Anonymiser();
    const text = [
      '    Serial Number                         : 1324722021038',
      `    GPU UUID                              : GPU-${CARD}`,
      '    GPU PDI                               : 0x1234567890abcdef',
      '    Board ID                              : 0x600',
      '        Chassis Serial Number             : N/A',
      '    Timestamp                             : Wed Jan 22 04:28:41 2025',
    ].join('\n');
    expect(anonymiser.clean(text)).toBe(
      [
        '    Serial Number                         : 0000000000002',
        '    GPU UUID                              : GPU-00000000-0000-0000-0000-000000000001',
        '    GPU PDI                               : 0x0000000000000003',
        '    Board ID                              : 0x600',
        '        Chassis Serial Number             : N/A',
        '    Timestamp                             : Wed Jan 22 04:28:41 2025',
      ].join('\n'),
    );
    expect(anonymiser.clean('<serial>1324722021038</serial><serial>N/A</serial>')).toBe(
      '<serial>0000000000002</serial><serial>N/A</serial>',
    );
  });

  it('keeps the form of an identifier, wherever it comes first', () => {
    const anonymiser = new Anonymiser();
    expect(anonymiser.clean('<pdi>0x1234567890abcdef</pdi>')).toBe('<pdi>0x0000000000000001</pdi>');
    expect(anonymiser.clean('GPU PDI : 0x1234567890abcdef')).toBe('GPU PDI : 0x0000000000000001');
  });

  it('gives the same card the same name in every form, and slices names of their own', () => {
    const anonymiser = new Anonymiser();
    const list = anonymiser.clean(
      `GPU 0: X (UUID: GPU-${CARD})\n  MIG 1g.5gb (UUID: MIG-4ae1b3c2-0000-5555-8888-000000000001)`,
    );
    expect(list).toMatch(/GPU-0{8}-0{4}-0{4}-0{4}-0{11}1\)/);
    expect(list).toMatch(/MIG-0{8}-0{4}-0{4}-0{4}-0{11}2\)/);
    expect(anonymiser.clean(`0, GPU-${CARD.toUpperCase()}, [N/A]`)).toBe(
      '0, GPU-00000000-0000-0000-0000-000000000001, [N/A]',
    );
    expect(anonymiser.clean(`(UUID: MIG-GPU-${CARD}/1/0)`)).toBe(
      '(UUID: MIG-GPU-00000000-0000-0000-0000-000000000001/1/0)',
    );
  });

  it('leaves what is clean as it is', () => {
    const anonymiser = new Anonymiser();
    const once = anonymiser.clean(`GPU-${CARD} Serial Number : 123`);
    expect(anonymiser.clean(once)).toBe(once);
    expect(new Anonymiser().clean(once)).toMatch(/GPU-0{8}-/);
  });
});
