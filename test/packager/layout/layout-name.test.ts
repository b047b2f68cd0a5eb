import { expect, it } from 'vitest';
import { formatLayoutName, isLayoutName, parseLayoutName } from '../../../packager/layout/layout-name.ts';

it.each([
  ['oci:images', { directory: 'images' }],
  ['oci:/srv/images:1.0', { directory: '/srv/images', tag: '1.0' }],
  ['oci:/srv/a:b/images', { directory: '/srv/a:b/images' }],
  ['oci:a:b:latest', { directory: 'a:b', tag: 'latest' }],
])('%s', (text, name) => {
  expect(isLayoutName(text)).toBe(true);
  expect(parseLayoutName(text)).toEqual(name);
  expect(formatLayoutName(name)).toBe(text);
});

it.each([
  ['oci:', '"oci:" is no OCI layout: it names no folder'],
  ['oci::latest', '"oci::latest" is no OCI layout: it names no folder'],
  ['oci:images:', '"oci:images:" is no OCI layout: "" is no tag'],
  ['oci:images:not a tag', '"oci:images:not a tag" is no OCI layout: "not a tag" is no tag'],
  ['images', '"images" is no OCI layout: it names no folder'],
])('refuses %s', (text, message) => {
  expect(() => parseLayoutName(text)).toThrow(message);
});
