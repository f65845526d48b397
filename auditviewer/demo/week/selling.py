"""The same days, in sales and in the books: the subscription, territories and sequences."""

from auditviewer.demo.week.forms import (
    Record,
    buy_credits,
    change,
    change_part,
    create,
    put,
    put_condition,
    start_trial,
    subscription,
    swap,
    take_access,
)
from auditviewer.demo.week.people import (
    AIKO,
    ANA,
    JONAS,
    PRIYA,
    RUNNER,
    SAMUEL,
    SIGN_UP,
    TOMAS,
)
from auditviewer.demo.week.saves import Ago, At, save, system

DACH = Record("territory", "DACH")
NORDICS = Record("territory", "Nordics")
FROM_DACH = Record("assignment_rule", "Enquiries from DACH")
FROM_NORDICS = Record("assignment_rule", "Enquiries from the north")
TEST_RIDE = Record("sales_sequence", "Follow up after a test ride")
ACCESS, TURN = "assignment_access", "assignment_round_robin"
GROUP = "assignment_filter_group"
ENTRY, EXIT = "sales_sequence_entry_condition", "sales_sequence_exit_condition"
STEP = "sales_sequence_step"
OFFICE_HOURS = {"from": "09:00", "until": "17:00"}
WORKDAYS = ["mon", "tue", "wed", "thu", "fri"]

BOOKS = (
    system(At(7, "09:03"), SIGN_UP, start_trial("growth", number="S-1042", billing_currency="EUR")),
    save(
        At(7, "15:30"),
        PRIYA,
        subscription(trial_plan="pro"),
        reason="Territories are not in Growth",
    ),
    save(
        At(5, "10:40"),
        PRIYA,
        subscription(plan="growth", licence_count=5, billing_cycle="monthly"),
    ),
    save(At(4, "10:06"), JONAS, subscription(billing_currency="CHF")),
    save(At(3, "11:00"), PRIYA, buy_credits("INV-20311", 500, "45.00", "CHF")),
    save(
        At(2, "09:05"),
        PRIYA,
        subscription(plan="pro", licence_count=10, billing_cycle="yearly"),
        reason="Cheaper by the year, now that the budget is there",
    ),
    save(At(1, "17:05"), PRIYA, subscription(licence_count=9)),
)

TERRITORIES = (
    save(
        At(6, "16:10"),
        JONAS,
        create(DACH, description="Germany, Austria, Switzerland"),
        create(
            FROM_DACH,
            put(FROM_DACH, GROUP, position=1, match="any"),
            put_condition(FROM_DACH, 1, 1, "country", "is", "Germany"),
            put_condition(FROM_DACH, 1, 2, "country", "is", "Austria"),
            put(FROM_DACH, ACCESS, user_id=ANA),
            put(FROM_DACH, ACCESS, user_id=SAMUEL),
            put(FROM_DACH, TURN, user_id=SAMUEL, position=1),
            territory_id=DACH.id,
            position=1,
            record_type="lead",
        ),
    ),
    save(At(6, "16:18"), JONAS, put_condition(FROM_DACH, 1, 3, "country", "is", "Switzerland")),
    save(
        At(3, "14:30"),
        JONAS,
        create(NORDICS),
        create(
            FROM_NORDICS,
            put(FROM_NORDICS, GROUP, position=1, match="any"),
            put_condition(FROM_NORDICS, 1, 1, "country", "is", "Sweden"),
            put_condition(FROM_NORDICS, 1, 2, "country", "is", "Norway"),
            put(FROM_NORDICS, ACCESS, user_id=AIKO),
            territory_id=NORDICS.id,
            position=2,
            record_type="lead",
        ),
    ),
    save(At(3, "14:36"), JONAS, change(NORDICS, description="Sweden and Norway")),
    save(
        At(2, "13:20"),
        ANA,
        put(FROM_DACH, ACCESS, user_id=AIKO),
        put(FROM_DACH, TURN, user_id=AIKO, position=2),
    ),
    save(
        At(2, "16:02"),
        JONAS,
        swap(FROM_DACH, FROM_NORDICS),
        reason="Small territories first",
    ),
    save(
        At(1, "16:32"),
        PRIYA,
        take_access(FROM_DACH, SAMUEL),
        change_part(FROM_DACH, TURN, 2, position=1),
        reason="Samuel's last day",
    ),
)

SEQUENCES = (
    save(
        At(5, "15:20"),
        TOMAS,
        create(
            TEST_RIDE,
            put(TEST_RIDE, ENTRY, position=1, field="tags", operator="contains", value="ridden"),
            put(TEST_RIDE, EXIT, position=1, field="replied_at", operator="is_not_empty"),
            put(TEST_RIDE, STEP, position=1, kind="email", subject="How was the ride?"),
            put(TEST_RIDE, STEP, position=2, kind="call", subject="Talk it over", wait_days=2),
            record_type="lead",
            owner_id=TOMAS,
            time_zone="Europe/Berlin",
            schedule={"days": WORKDAYS, "window": OFFICE_HOURS},
        ),
    ),
    save(At(5, "15:41"), TOMAS, change(TEST_RIDE, kind="automatic", is_enabled=True)),
    save(
        At(4, "09:40"),
        ANA,
        put(TEST_RIDE, STEP, position=3, kind="task", subject="Send an offer", wait_days=5),
    ),
    save(
        At(1, "10:15"),
        TOMAS,
        change(
            TEST_RIDE,
            run_time="10:30",
            schedule={"days": WORKDAYS, "window": {**OFFICE_HOURS, "from": "10:00"}},
        ),
        reason="Nobody reads it at nine",
    ),
    save(
        Ago(290),
        ANA,
        change(TEST_RIDE, exit_match="all"),
        put(TEST_RIDE, EXIT, position=2, field="deal_stage", operator="is", value="Won"),
    ),
    system(Ago(181), RUNNER, change(TEST_RIDE, is_enabled=False)),
    save(
        Ago(152),
        TOMAS,
        change_part(TEST_RIDE, STEP, 1, subject="How was your test ride?"),
        change(TEST_RIDE, is_enabled=True),
    ),
)
