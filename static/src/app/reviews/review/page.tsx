/** `/reviews/{uuid}/`: a review. The server answers every id with this one file; the id is read from the address in the browser. */
import { AuthGate } from '@/features/auth/auth-gate';
import { ReviewPage } from '@/features/review/review-page';

export default function ReviewRoute() {
  return (
    <AuthGate>
      <ReviewPage />
    </AuthGate>
  );
}
