import { fireEvent, screen } from '@testing-library/react';
import { describe, expect, it, vi } from 'vitest';
import { reportSignedOut } from '@/api/client';
import { USER, json, never, problem, renderPage, serve } from '@/test/render-page';
import { AuthGate } from './auth-gate';

vi.mock('next/navigation', () => ({ useRouter: () => ({ push: vi.fn() }), usePathname: () => '/' }));

const page = (
  <AuthGate>
    <p>inside</p>
  </AuthGate>
);
const signedOut = () => problem(401, 'unauthenticated', 'Sign in first.');

function fill(label: string, value: string): void {
  fireEvent.change(screen.getByLabelText(label), { target: { value } });
}

describe('the gate', () => {
  it('waits while nobody knows who is signed in', () => {
    serve({ 'GET /me': never });
    renderPage(page);
    expect(screen.getByRole('status')).toHaveTextContent('Loading');
  });

  it('says when the server cannot be reached, and tries again', async () => {
    let up = false;
    serve({ 'GET /me': () => (up ? json(USER) : Promise.reject(new TypeError('network'))) });
    renderPage(page);
    expect(await screen.findByRole('alert')).toHaveTextContent('cannot be reached');
    up = true;
    fireEvent.click(screen.getByRole('button', { name: 'Try again' }));
    expect(await screen.findByText('inside')).toBeInTheDocument();
  });

  it('lets a signed-in user in, and asks again in place when the login ends', async () => {
    serve({ 'GET /me': () => json(USER) });
    renderPage(page);
    expect(await screen.findByText('inside')).toBeInTheDocument();
    reportSignedOut();
    expect(await screen.findByRole('heading', { name: 'Sign in to Carrel' })).toBeInTheDocument();
    expect(screen.getByRole('status')).toHaveTextContent('You were signed out');
    expect(screen.getByLabelText('Username or e-mail')).not.toHaveFocus();
  });
});

describe('signing in', () => {
  it('shows the page that asked for it', async () => {
    serve({ 'GET /me': signedOut, 'POST /auth/login': () => json(USER) });
    renderPage(page);
    await screen.findByRole('heading', { name: 'Sign in to Carrel' });
    expect(screen.queryByText(/You were signed out/)).toBeNull();
    expect(screen.getByLabelText('Username or e-mail')).toHaveFocus();
    fill('Username or e-mail', 'ada');
    fill('Password', 'correct horse');
    fireEvent.click(screen.getAllByRole('button', { name: 'Sign in' }).at(-1) as HTMLElement);
    expect(await screen.findByText('inside')).toBeInTheDocument();
  });

  it('says why it was refused', async () => {
    serve({
      'GET /me': signedOut,
      'POST /auth/login': () => problem(401, 'wrong_credentials', 'The name or the password is wrong.'),
    });
    renderPage(page);
    await screen.findByRole('heading', { name: 'Sign in to Carrel' });
    fill('Username or e-mail', 'ada');
    fill('Password', 'wrong');
    fireEvent.click(screen.getAllByRole('button', { name: 'Sign in' }).at(-1) as HTMLElement);
    expect(await screen.findByRole('alert')).toHaveTextContent('The name or the password is wrong.');
  });

  it('puts a problem of registration at its field, and never sends a password the server would cut', async () => {
    const register = vi.fn(() => problem(409, 'username_taken', 'This username is taken.'));
    serve({ 'GET /me': signedOut, 'POST /auth/register': register });
    renderPage(page);
    fireEvent.click(await screen.findByRole('button', { name: 'Register' }));
    fill('Username', 'ada');
    fill('E-mail', 'ada@example.org');
    fill('Password', 'é'.repeat(37));
    fireEvent.click(screen.getByRole('button', { name: 'Create account' }));
    expect(await screen.findByText(/at most 72 bytes/)).toBeInTheDocument();
    expect(register).not.toHaveBeenCalled();
    fill('Password', 'correct horse');
    fireEvent.click(screen.getByRole('button', { name: 'Create account' }));
    expect(await screen.findByText('This username is taken.')).toBeInTheDocument();
    expect(screen.getByLabelText('Username')).toBeInvalid();
  });
});
