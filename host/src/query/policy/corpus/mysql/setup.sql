-- What the corpus speaks of, for servers that run it: made by a superuser in the database `app`.
-- A file that a statement would write is called /tmp/loot and something.

CREATE TABLE accounts (id INT AUTO_INCREMENT PRIMARY KEY, parent INT, balance DECIMAL(12, 2) NOT NULL DEFAULT 100, tags TEXT, FULLTEXT KEY words (tags)) ENGINE = InnoDB;
INSERT INTO accounts (parent, tags) SELECT seq - 1, CONCAT('tag ', seq) FROM seq_1_to_50;
CREATE TABLE staging (id INT PRIMARY KEY) ENGINE = InnoDB;
INSERT INTO staging VALUES (1), (2);
CREATE TABLE plain (id INT) ENGINE = Aria TRANSACTIONAL = 0;
INSERT INTO plain VALUES (1);
CREATE SEQUENCE numbers_of_orders;
CREATE PROCEDURE pay_everyone() UPDATE accounts SET balance = balance + 1;

-- What a user's own code may do behind a statement that only reads.
DELIMITER //
CREATE FUNCTION writes() RETURNS INT NOT DETERMINISTIC MODIFIES SQL DATA BEGIN DELETE FROM accounts; RETURN 1; END //
CREATE FUNCTION writes_plainly() RETURNS INT NOT DETERMINISTIC MODIFIES SQL DATA BEGIN INSERT INTO plain VALUES (2); RETURN 1; END //
CREATE FUNCTION advances_a_sequence() RETURNS BIGINT NOT DETERMINISTIC MODIFIES SQL DATA RETURN NEXTVAL(numbers_of_orders) //
CREATE FUNCTION sets_for_the_session() RETURNS INT NOT DETERMINISTIC BEGIN SET @@session.sql_mode = 'ANSI_QUOTES,NO_BACKSLASH_ESCAPES'; SET @loot = 1; RETURN 1; END //
CREATE FUNCTION locks() RETURNS INT NOT DETERMINISTIC RETURN GET_LOCK('loot', 0) //
CREATE FUNCTION reads_file() RETURNS TEXT NOT DETERMINISTIC RETURN LOAD_FILE('/etc/hostname') //
CREATE FUNCTION writes_file() RETURNS INT NOT DETERMINISTIC BEGIN SELECT 1 INTO OUTFILE '/tmp/loot_written'; RETURN 1; END //
DELIMITER ;
CREATE VIEW reading_view AS SELECT id FROM accounts;
CREATE VIEW writing_view AS SELECT writes() AS n;

CREATE TABLE guarded (id INT) ENGINE = InnoDB;
