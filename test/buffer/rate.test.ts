import { expect, it } from 'vitest';
import { Rate } from '../../src/buffer/rate.ts';

it('is not known while nothing is done', () => {
  expect(new Rate().perMs(5000)).toBeUndefined();
});

it('follows what is done', () => {
  const rate = new Rate();
  for (let nowMs = 10_000; nowMs <= 13_000; nowMs += 10) rate.add(50, nowMs, 10);
  expect(rate.perMs(13_000)).toBeCloseTo(5, 0);
  for (let nowMs = 13_010; nowMs <= 16_000; nowMs += 10) rate.add(500, nowMs, 10);
  expect(rate.perMs(16_000)).toBeCloseTo(50, -1);
});

it('is right from the first work on, which began before it was done', () => {
  const rate = new Rate();
  rate.add(1000, 10_000, 250);
  expect(rate.perMs(10_000)).toBe(4);
  rate.add(1000, 10_250, 250);
  expect(rate.perMs(10_250)).toBe(4);
});

it('is right where little is done at a time', () => {
  const rate = new Rate();
  for (let nowMs = 10_000; nowMs <= 20_000; nowMs += 900) {
    rate.add(900, nowMs, 900);
    expect(rate.perMs(nowMs)).toBeCloseTo(1);
  }
});

it('is forgotten after a pause', () => {
  const rate = new Rate();
  rate.add(1000, 10_000, 10);
  expect(rate.perMs(60_000)).toBeUndefined();
  rate.add(1000, 60_000, 500);
  expect(rate.perMs(60_000)).toBe(2);
});
