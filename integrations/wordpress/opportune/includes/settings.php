<?php
/**
 * What the shop says about its Opportune, and the page under Settings where it says so.
 *
 * A downloaded plugin brings `connection.json` with the address and the write key; what is saved here wins.
 *
 * @package Opportune
 */

defined( 'ABSPATH' ) || exit;

class Opportune_Settings {

	const NAME = 'opportune';

	/** Kept, never shown again; left empty they stay, and a dash takes them away. */
	const SECRET = array( 'secret_key', 'user_token' );

	public static function begin() {
		add_action( 'admin_menu', array( __CLASS__, 'add_page' ) );
		add_action( 'admin_init', array( __CLASS__, 'register' ) );
	}

	/** Every setting with its default. */
	private static function defaults() {
		$brought = array();
		$file    = OPPORTUNE_FOLDER . '/connection.json';
		if ( is_readable( $file ) ) {
			$brought = (array) json_decode( (string) file_get_contents( $file ), true );
		}
		return $brought + array(
			'url'        => '',
			'write_key'  => '',
			'secret_key' => '',
			'user_token' => '',
			'prefix'     => '',
			'slots'      => 'auto',
			'same_path'  => 'yes',
			'views'      => 'plugin',
		);
	}

	public static function get( $name ) {
		static $defaults = null;
		if ( null === $defaults ) {
			$defaults = self::defaults();
		}
		$saved = get_option( self::NAME );
		$value = is_array( $saved ) && isset( $saved[ $name ] ) && '' !== $saved[ $name ] ? $saved[ $name ] : $defaults[ $name ];
		return is_string( $value ) ? $value : '';
	}

	/** Where Opportune is, without a slash at its end; empty until somebody said so. */
	public static function url() {
		return rtrim( self::get( 'url' ), '/' );
	}

	public static function is_ready() {
		return '' !== self::url() && '' !== self::get( 'write_key' );
	}

	public static function add_page() {
		add_options_page( 'Opportune', 'Opportune', 'manage_options', self::NAME, array( __CLASS__, 'show' ) );
	}

	public static function register() {
		register_setting( self::NAME, self::NAME, array( 'sanitize_callback' => array( __CLASS__, 'clean' ) ) );
	}

	public static function clean( $given ) {
		$kept   = array();
		$before = get_option( self::NAME );
		foreach ( array_keys( self::defaults() ) as $name ) {
			$kept[ $name ] = sanitize_text_field( isset( $given[ $name ] ) ? $given[ $name ] : '' );
		}
		foreach ( self::SECRET as $name ) {
			if ( '' === $kept[ $name ] && isset( $before[ $name ] ) ) {
				$kept[ $name ] = $before[ $name ];
			} elseif ( '-' === $kept[ $name ] ) {
				$kept[ $name ] = '';
			}
		}
		$kept['url'] = rtrim( esc_url_raw( $kept['url'], array( 'http', 'https' ) ), '/' );
		return $kept;
	}

	/** What each setting is called on its page, and what to put there. */
	private static function fields() {
		return array(
			'url'        => array( 'Address of Opportune', 'Such as https://o.your-shop.example' ),
			'write_key'  => array( 'Write key', 'Printed by: opportune keys add --kind write --name page' ),
			'secret_key' => array( 'Secret key', 'Printed by: opportune keys add --kind secret --name wordpress --scope capture --scope decide' ),
			'user_token' => array( 'User token secret', 'Printed by: opportune keys user-token-secret. Left empty, signed-in customers are known from their first order on.' ),
			'prefix'     => array( 'Prefix', 'Only with several shops: what stands before this shop\'s order and customer numbers.' ),
		);
	}

	public static function show() {
		echo '<div class="wrap"><h1>Opportune</h1>';
		self::show_state();
		echo '<form method="post" action="options.php">';
		settings_fields( self::NAME );
		echo '<table class="form-table">';
		foreach ( self::fields() as $name => list( $label, $hint ) ) {
			$is_secret = in_array( $name, self::SECRET, true );
			$is_kept   = $is_secret && '' !== self::get( $name );
			printf(
				'<tr><th><label for="opportune-%1$s">%2$s</label></th><td><input class="regular-text" autocomplete="off" type="%3$s" id="opportune-%1$s" name="opportune[%1$s]" value="%4$s" placeholder="%6$s"><p class="description">%5$s</p></td></tr>',
				esc_attr( $name ),
				esc_html( $label ),
				$is_secret ? 'password' : 'text',
				esc_attr( $is_secret ? '' : self::get( $name ) ),
				esc_html( $hint ),
				$is_kept ? 'kept; a dash (-) takes it away' : ''
			);
		}
		self::show_choice(
			'slots',
			'Places are filled',
			array(
				'auto'    => 'by the server, or by the page where a page cache is on',
				'server'  => 'always by the server',
				'browser' => 'always by the page',
			)
		);
		self::show_choice(
			'views',
			'Views and the cart are told by',
			array(
				'plugin' => 'this plugin',
				'layer'  => 'a tag manager\'s data layer, which says them already',
			)
		);
		self::show_choice(
			'same_path',
			'Pages talk to',
			array(
				'yes' => 'this site, under ' . Opportune_Path::prefix() . ' (the visitor\'s id lasts)',
				'no'  => 'Opportune\'s own address',
			)
		);
		echo '</table>';
		submit_button();
		echo '</form></div>';
	}

	private static function show_choice( $name, $label, $choices ) {
		printf( '<tr><th><label for="opportune-%1$s">%2$s</label></th><td><select id="opportune-%1$s" name="opportune[%1$s]">', esc_attr( $name ), esc_html( $label ) );
		foreach ( $choices as $value => $words ) {
			printf( '<option value="%s"%s>%s</option>', esc_attr( $value ), selected( self::get( $name ), $value, false ), esc_html( $words ) );
		}
		echo '</select></td></tr>';
	}

	/** Whether Opportune answers, asked when somebody looks. */
	private static function show_state() {
		if ( ! self::is_ready() ) {
			echo '<div class="notice notice-warning"><p>Fill in the address and the write key.</p></div>';
			return;
		}
		Opportune_Client::wake();
		$answer = Opportune_Client::ask( 'POST', '/v1/decide', self::get( 'write_key' ), '{"slots":[]}', Opportune_Client::limit( 3000 ) );
		$said   = $answer['body'] ? json_decode( $answer['body'], true ) : null;
		$wrong  = is_array( $said ) && isset( $said['message'] ) ? $said['message'] : 'Nobody answers there.';
		if ( 200 === $answer['status'] ) {
			echo '<div class="notice notice-success"><p>Connected.</p></div>';
		} else {
			printf( '<div class="notice notice-error"><p>Not connected: %s</p></div>', esc_html( $wrong ) );
		}
	}
}
