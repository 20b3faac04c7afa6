-- points by exact rates, rounded as the program says

@create crm.base_points
CREATE TYPE crm.points_gift AS (booked_on date, points bigint, expires_on date);
COMMENT ON TYPE crm.points_gift IS
  'points that a customer has from elsewhere, from another customer, as a gift, for a challenge: available from booked_on on, and no longer valid on expires_on, NULL for never';
@create crm.points_awards
@create crm.points_transfer
