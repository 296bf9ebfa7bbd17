import { render, screen } from '@testing-library/react';
import { afterEach, expect, it } from 'vitest';
import { RunBanner } from './run-banner';

const REVIEW = '33333333-3333-4333-8333-333333333333';

afterEach(() => window.history.replaceState(null, '', '/'));

it('leads back to the review whose run this is', () => {
  window.history.replaceState(null, '', `/s/x/?run=${REVIEW}`);
  render(<RunBanner />);
  expect(screen.getByRole('alert')).toHaveTextContent('throw-away run');
  expect(screen.getByRole('link', { name: 'Back to the review' })).toHaveAttribute(
    'href',
    expect.stringMatching(`^/reviews/${REVIEW}/?$`),
  );
});

it.each(['', '?run=', '?run=../../evil', '?run=javascript:alert(1)', `?run=${REVIEW}/x`])(
  'says nothing of %j',
  (search) => {
    window.history.replaceState(null, '', `/s/x/${search}`);
    render(<RunBanner />);
    expect(screen.queryByRole('alert')).toBeNull();
  },
);
