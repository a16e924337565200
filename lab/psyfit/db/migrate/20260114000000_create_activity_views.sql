CREATE VIEW upcoming_appointments AS
  SELECT appointments.id, staff.clinic_id, appointments.staff_id, appointments.starts_at
  FROM appointments JOIN staff ON staff.id = appointments.staff_id
  WHERE appointments.status = 'booked' AND appointments.starts_at > now();

CREATE MATERIALIZED VIEW clinic_activity AS
  SELECT staff.clinic_id, date_trunc('month', appointments.starts_at, 'Asia/Tokyo') AS month,
         count(*) AS appointments, count(DISTINCT appointments.person_id) AS people
  FROM appointments JOIN staff ON staff.id = appointments.staff_id
  GROUP BY 1, 2;
CREATE UNIQUE INDEX index_clinic_activity_on_clinic_and_month ON clinic_activity (clinic_id, month);
