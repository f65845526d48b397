-- A row into each table of rentals.sql.

INSERT INTO language (name) VALUES ('English');
INSERT INTO category (name) VALUES ('Drama');
INSERT INTO actor (first_name, last_name) VALUES ('Ana', 'Diaz');
INSERT INTO film (title, language_id, special_features) VALUES ('Rain', 1, '{Trailers}');
INSERT INTO film_actor (actor_id, film_id) VALUES (1, 1);
INSERT INTO film_category (film_id, category_id) VALUES (1, 1);
INSERT INTO country (country) VALUES ('Portugal');
INSERT INTO city (city, country_id) VALUES ('Porto', 1);
INSERT INTO address (address, district, city_id, phone) VALUES ('Rua 1', 'Norte', 1, '1');
INSERT INTO store (address_id) VALUES (1);
INSERT INTO staff (first_name, last_name, address_id, store_id, username, password, picture)
    VALUES ('Jonas', 'Berg', 1, 1, 'jonas', 'hunter2', '\x00ff');
INSERT INTO customer (store_id, first_name, last_name, address_id) VALUES (1, 'Mei', 'Tan', 1);
INSERT INTO inventory (film_id, store_id) VALUES (1, 1);
INSERT INTO rental (rental_period, inventory_id, customer_id, staff_id)
    VALUES ('[2026-01-05, 2026-01-08)', 1, 1, 1);
INSERT INTO rental_note (rental_id, line, note) VALUES (1, 1, 'Case is cracked');
INSERT INTO payment (customer_id, staff_id, rental_id, amount, paid_at)
    VALUES (1, 1, 1, 4.99, '2026-01-05 12:00+00');
INSERT INTO region (region_description) VALUES ('North');
