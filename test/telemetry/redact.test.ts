import { expect, test } from 'vitest';
import { withoutSecrets } from '../../src/telemetry/redact.ts';

test('fields without secrets are handed on as they are', () => {
  const fields = { callId: 'abc', legs: [{ legId: '1' }], err: new Error('no'), trunk: undefined };
  expect(withoutSecrets(fields)).toBe(fields);
});

test('a secret is cut out by name, in the line and one level down; the fields stay as they are', () => {
  const fields = { user: 'alice', password: 'p', headers: { authorization: 'Digest x', to: 'bob' } };
  expect(withoutSecrets(fields)).toEqual({
    user: 'alice',
    password: '[secret]',
    headers: { authorization: '[secret]', to: 'bob' },
  });
  expect(fields.password).toBe('p');
  expect(fields.headers.authorization).toBe('Digest x');
});

test('an error with a secret stays an error', () => {
  const error = Object.assign(new TypeError('refused'), { token: 't', code: 'E' });
  const { err } = withoutSecrets({ err: error });
  expect(err).toBeInstanceOf(TypeError);
  expect(err).toMatchObject({ message: 'refused', token: '[secret]', code: 'E' });
  expect(error.token).toBe('t');
});
