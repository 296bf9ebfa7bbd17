/** Sign in or register. It stands wherever a page needs a user, so that afterwards that very page is shown. */
'use client';

import { useState, type FormEvent, type ReactNode } from 'react';
import { api, unwrap } from '@/api/client';
import { ApiError, messageOf } from '@/api/problem';
import type { User } from '@/api/types';
import { Button } from '@/components/button';
import { Field } from '@/components/field';
import { cx } from '@/lib/cx';
import { Logo } from '@/features/shell/logo';
import { ThemeToggle } from '@/features/shell/theme-toggle';
import { useAuth } from './auth-context';

type Mode = 'login' | 'register';

/** Which field a problem's code is about. */
const FIELD_OF_CODE: Readonly<Record<string, string>> = {
  username_taken: 'username',
  invalid_username: 'username',
  email_taken: 'email',
  invalid_email: 'email',
  password_too_short: 'password',
  password_too_long: 'password',
};

/** bcrypt reads no more; the server refuses longer ones, and so do we before it is sent. */
const PASSWORD_MOST_BYTES = 72;

interface Problem {
  field: string | null;
  message: string;
}

async function submit(mode: Mode, form: FormData): Promise<User> {
  const text = (name: string): string => {
    const value = form.get(name);
    return typeof value === 'string' ? value : '';
  };
  const password = text('password');
  if (mode === 'login') {
    return unwrap(api.POST('/api/v1/auth/login', { body: { login: text('login').trim(), password } }));
  }
  if (new TextEncoder().encode(password).length > PASSWORD_MOST_BYTES) {
    throw new ApiError(422, 'password_too_long', `A password is at most ${PASSWORD_MOST_BYTES} bytes long.`);
  }
  const displayName = text('display_name').trim();
  return unwrap(
    api.POST('/api/v1/auth/register', {
      body: {
        username: text('username').trim(),
        email: text('email').trim(),
        password,
        ...(displayName ? { display_name: displayName } : {}),
      },
    }),
  );
}

/** `ended`: it takes the place of what somebody was working in, and must not take their keyboard, too. */
export function SignIn({ ended = false }: { ended?: boolean }) {
  const { signedIn } = useAuth();
  const [mode, setMode] = useState<Mode>('login');
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<Problem | null>(null);

  const onSubmit = (event: FormEvent<HTMLFormElement>): void => {
    event.preventDefault();
    setBusy(true);
    setProblem(null);
    submit(mode, new FormData(event.currentTarget))
      .then(signedIn)
      .catch((error: unknown) => {
        const code = error instanceof ApiError ? error.code : '';
        setProblem({ field: FIELD_OF_CODE[code] ?? null, message: messageOf(error) });
      })
      .finally(() => setBusy(false));
  };

  const about = (field: string): string | null => (problem?.field === field ? problem.message : null);

  return (
    <main className="relative grid min-h-dvh place-items-center overflow-hidden p-6">
      <div
        aria-hidden
        className="pointer-events-none absolute inset-x-0 -top-40 mx-auto h-80 max-w-3xl rounded-full bg-accent opacity-[0.07] blur-3xl"
      />
      <div className="absolute top-3 right-3">
        <ThemeToggle />
      </div>
      <div className="w-full max-w-[22.5rem]">
        <div className="mb-6 flex flex-col items-center gap-3 text-center">
          <Logo className="size-11" />
          <div>
            <h1 className="text-xl font-semibold tracking-tight">
              {mode === 'login' ? 'Sign in to Carrel' : 'Create your account'}
            </h1>
            <p className="mt-1 text-muted">Python workspaces with an editor, a terminal and your files.</p>
          </div>
        </div>
        {ended && (
          <p role="status" className="mb-4 rounded-lg border border-line bg-panel px-4 py-3 text-center">
            You were signed out, perhaps in another window. Sign in to go on where you were.
          </p>
        )}
        <div className="rounded-xl border border-line bg-panel p-5 shadow-pop">
          <ModeTabs
            mode={mode}
            onChange={(next) => {
              setMode(next);
              setProblem(null);
            }}
          />
          <form key={mode} onSubmit={onSubmit} className="mt-4 flex flex-col gap-3.5">
            {mode === 'login' ? (
              <Field
                label="Username or e-mail"
                name="login"
                autoComplete="username"
                required
                autoFocus={!ended}
                spellCheck={false}
              />
            ) : (
              <>
                <Field
                  label="Username"
                  name="username"
                  autoComplete="username"
                  required
                  autoFocus
                  spellCheck={false}
                  problem={about('username')}
                />
                <Field
                  label="E-mail"
                  name="email"
                  type="email"
                  autoComplete="email"
                  required
                  problem={about('email')}
                />
                <Field
                  label="Name (optional)"
                  name="display_name"
                  autoComplete="name"
                  hint="How others see you."
                />
              </>
            )}
            <Field
              label="Password"
              name="password"
              type="password"
              autoComplete={mode === 'login' ? 'current-password' : 'new-password'}
              required
              problem={about('password')}
            />
            {problem && problem.field === null ? (
              <p role="alert" className="text-danger">
                {problem.message}
              </p>
            ) : null}
            <Button type="submit" variant="primary" size="md" busy={busy} className="mt-1 w-full">
              {mode === 'login' ? 'Sign in' : 'Create account'}
            </Button>
          </form>
        </div>
      </div>
    </main>
  );
}

function ModeTabs({ mode, onChange }: { mode: Mode; onChange: (mode: Mode) => void }): ReactNode {
  const tab = (value: Mode, label: string) => (
    <button
      type="button"
      aria-pressed={mode === value}
      onClick={() => onChange(value)}
      className={cx(
        'h-7 flex-1 rounded-md font-medium transition-colors',
        mode === value ? 'bg-raised text-fg shadow-xs ring-1 ring-line-strong' : 'text-muted hover:text-fg',
      )}
    >
      {label}
    </button>
  );
  return (
    <div role="group" aria-label="Sign in or register" className="flex gap-1 rounded-lg bg-sunken p-1">
      {tab('login', 'Sign in')}
      {tab('register', 'Register')}
    </div>
  );
}
